//! Where programs run: the sandbox with the toolchains of the languages.

use std::path::Path;
use std::sync::Arc;

use prometheus::{IntGauge, Registry};
use runlog_sandbox::Engine;
use runlog_sandbox::docker::{DockerConfig, DockerEngine};
use runlog_sandbox::native::{Finding, Layer, Mount, NativeConfig, NativeEngine};
use runlog_schemas::Catalog;
use runlog_worker::Toolchains;

use super::{cold, failed};
use crate::config::{EngineConfig, EngineKind};
use crate::failure::Failure;

/// A sandbox engine, and what it found for the languages.
pub(crate) struct Sandbox {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) toolchains: Toolchains,
    /// Required layers of isolation that it does without, because that was allowed.
    pub(crate) missing: Vec<Layer>,
}

/// What a sandbox shall be like.
pub(crate) struct Wanted<'a> {
    /// What isolates programs.
    pub(crate) engine: &'a EngineConfig,
    /// The folder of `make setup`.
    pub(crate) tools: &'a Path,
    /// Cells that wait ready to be used.
    pub(crate) parked_cells: usize,
    /// Layers of isolation that the native engine may do without.
    pub(crate) allow_missing: Vec<Layer>,
}

impl Sandbox {
    /// Looks for toolchains and starts the engine, which proves first that every layer of isolation
    /// holds; the native one does without those that are allowed to be missing.
    pub(crate) async fn start(
        catalog: &Catalog,
        wanted: Wanted<'_>,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let toolchains = runlog_worker::mounts(catalog, wanted.tools).await;
        match wanted.engine.engine {
            EngineKind::Native => native(catalog, wanted, toolchains, registry).await,
            EngineKind::Docker => docker(catalog, &wanted, toolchains, registry).await,
        }
    }

    /// Tells whether programs can be isolated here.
    pub(crate) async fn check(
        catalog: &Catalog,
        engine: &EngineConfig,
        tools: &Path,
    ) -> Result<Checked, Failure> {
        let toolchains = runlog_worker::mounts(catalog, tools).await;
        match engine.engine {
            EngineKind::Native => {
                let config = config(catalog, engine, &toolchains);
                let findings = NativeEngine::check(config).await.map_err(refused)?;
                Ok(Checked::Layers(findings))
            }
            EngineKind::Docker => {
                let config = docker_config(catalog, engine, &toolchains, 0)?;
                let started = DockerEngine::start(config).await;
                let engine = started.map_err(|error| failed(NO_CONTAINERS, &error))?;
                let warnings = engine.warnings().to_vec();
                engine.close().await;
                Ok(Checked::Containers { warnings })
            }
        }
    }
}

/// What was found of an engine's isolation.
pub(crate) enum Checked {
    /// Of each layer of the native engine.
    Layers(Vec<Finding>),
    /// That containers hold what they promise.
    Containers {
        /// What is older than it should be.
        warnings: Vec<String>,
    },
}

const NO_CONTAINERS: &str = "programs cannot be run in containers here, so none would be run";

fn refused(error: runlog_sandbox::Error) -> Failure {
    let doing = "programs cannot be isolated here, so none would be run (it needs root, \
                 namespaces and control groups; `runlog worker --check` tells more)";
    failed(doing, &error)
}

/// Settings for cells that have the toolchains.
fn config(catalog: &Catalog, engine: &EngineConfig, toolchains: &Toolchains) -> NativeConfig {
    let mut config = NativeConfig::new();
    config.uids = engine.uid_base.unwrap_or_default();
    config.mounts = toolchains.mounts.iter().map(mount).collect();
    config.etc.extend(toolchains.etc.iter().cloned());
    config.etc.sort();
    config.etc.dedup();
    config.warm_hosts = runlog_worker::warm_hosts(catalog, toolchains);
    config
}

async fn native(
    catalog: &Catalog,
    wanted: Wanted<'_>,
    toolchains: Toolchains,
    registry: &Registry,
) -> Result<Sandbox, Failure> {
    let config = NativeConfig {
        parked_cells: wanted.parked_cells,
        allow_missing: wanted.allow_missing,
        ..config(catalog, wanted.engine, &toolchains)
    };
    cold::tell(catalog, &config, registry)?;
    let engine = NativeEngine::start(config).await.map_err(refused)?;
    let findings = engine.findings().iter();
    let missing = findings.filter(|it| it.missing().is_some() && it.layer.is_required());
    let missing = missing.map(|it| it.layer).collect();
    Ok(Sandbox {
        engine: Arc::new(engine),
        toolchains,
        missing,
    })
}

async fn docker(
    catalog: &Catalog,
    wanted: &Wanted<'_>,
    toolchains: Toolchains,
    registry: &Registry,
) -> Result<Sandbox, Failure> {
    let config = docker_config(catalog, wanted.engine, &toolchains, wanted.parked_cells)?;
    let engine = DockerEngine::start(config).await;
    let engine = engine.map_err(|error| failed(NO_CONTAINERS, &error))?;
    show_warnings(&engine, registry)?;
    Ok(Sandbox {
        engine: Arc::new(engine),
        toolchains,
        missing: Vec::new(),
    })
}

/// Settings for containers that have the toolchains.
fn docker_config(
    catalog: &Catalog,
    engine: &EngineConfig,
    toolchains: &Toolchains,
    parked_cells: usize,
) -> Result<DockerConfig, Failure> {
    let config = DockerConfig::new().map_err(|error| failed(NO_CONTAINERS, &error))?;
    let packages = catalog.iter().flat_map(|it| &it.toolchain.packages);
    Ok(DockerConfig {
        socket: engine.docker_socket.clone(),
        runtime: engine.docker_runtime,
        image: engine.docker_image.clone(),
        mounts: toolchains.mounts.iter().map(mount).collect(),
        packages: packages.cloned().collect(),
        parked_cells,
        uids: engine.uid_base.unwrap_or_default(),
        ..config
    })
}

/// What is older than it should be is told in the log; how much it is shows in the metrics.
fn show_warnings(engine: &DockerEngine, registry: &Registry) -> Result<(), Failure> {
    let words = "cannot set the metrics up";
    let outdated = IntGauge::new(
        "runlog_sandbox_outdated_parts",
        "Parts of the Docker daemon, its runtime and its image that are older than they should be",
    );
    let outdated = outdated.map_err(|error| failed(words, &error))?;
    outdated.set(i64::try_from(engine.warnings().len()).unwrap_or(i64::MAX));
    let registered = registry.register(Box::new(outdated));
    registered.map_err(|error| failed(words, &error))
}

fn mount(mount: &runlog_worker::Mount) -> Mount {
    Mount {
        host: mount.host.clone(),
        inside: mount.inside.clone(),
    }
}

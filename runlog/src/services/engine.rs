//! Where programs run: the sandbox with the toolchains of the languages.

use std::path::Path;
use std::sync::Arc;

use runlog_sandbox::Engine;
use runlog_sandbox::native::{Finding, Layer, Mount, NativeConfig, NativeEngine};
use runlog_schemas::Catalog;
use runlog_worker::Toolchains;

use super::failed;
use crate::failure::Failure;

/// A sandbox engine, and what it found for the languages.
pub(crate) struct Sandbox {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) toolchains: Toolchains,
    /// Required layers of isolation that it does without, because that was allowed.
    pub(crate) missing: Vec<Layer>,
}

impl Sandbox {
    /// Looks for toolchains and starts the native engine, which proves first that every layer of
    /// isolation holds but those that are allowed to be missing.
    pub(crate) async fn start(
        catalog: &Catalog,
        tools: &Path,
        parked_cells: usize,
        allow_missing: Vec<Layer>,
    ) -> Result<Self, Failure> {
        let toolchains = runlog_worker::mounts(catalog, tools).await;
        let config = NativeConfig {
            parked_cells,
            allow_missing,
            ..config(catalog, &toolchains)
        };
        let engine = NativeEngine::start(config).await.map_err(refused)?;
        let findings = engine.findings().iter();
        let missing = findings.filter(|it| it.missing().is_some() && it.layer.is_required());
        let missing = missing.map(|it| it.layer).collect();
        Ok(Self {
            engine: Arc::new(engine),
            toolchains,
            missing,
        })
    }

    /// Tells of every layer of isolation whether it holds here.
    pub(crate) async fn check(catalog: &Catalog, tools: &Path) -> Result<Vec<Finding>, Failure> {
        let toolchains = runlog_worker::mounts(catalog, tools).await;
        let config = config(catalog, &toolchains);
        NativeEngine::check(config).await.map_err(refused)
    }
}

fn refused(error: runlog_sandbox::Error) -> Failure {
    let doing = "programs cannot be isolated here, so none would be run (it needs root, \
                 namespaces and control groups; `runlog worker --check` tells more)";
    failed(doing, &error)
}

/// Settings for cells that have the toolchains.
fn config(catalog: &Catalog, toolchains: &Toolchains) -> NativeConfig {
    let mut config = NativeConfig::new();
    config.mounts = toolchains.mounts.iter().map(mount).collect();
    config.etc.extend(toolchains.etc.iter().cloned());
    config.etc.sort();
    config.etc.dedup();
    config.warm_hosts = runlog_worker::warm_hosts(catalog, toolchains);
    config
}

fn mount(mount: &runlog_worker::Mount) -> Mount {
    Mount {
        host: mount.host.clone(),
        inside: mount.inside.clone(),
    }
}

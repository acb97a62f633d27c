//! Where programs run: the sandbox with the toolchains of the languages.

use std::path::Path;
use std::sync::Arc;

use runlog_sandbox::Engine;
use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine};
use runlog_schemas::Catalog;
use runlog_worker::Toolchains;

use super::failed;
use crate::failure::Failure;

/// A sandbox engine, and what it found for the languages.
pub(crate) struct Sandbox {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) toolchains: Toolchains,
}

impl Sandbox {
    /// Looks for toolchains and starts the native engine, which proves first that every layer of
    /// isolation holds.
    pub(crate) async fn start(
        catalog: &Catalog,
        tools: &Path,
        parked_cells: usize,
    ) -> Result<Self, Failure> {
        let toolchains = runlog_worker::mounts(catalog, tools).await;
        let mut config = NativeConfig::new();
        config.parked_cells = parked_cells;
        config.mounts = toolchains.mounts.iter().map(mount).collect();
        config.etc.extend(toolchains.etc.iter().cloned());
        config.etc.sort();
        config.etc.dedup();
        config.warm_hosts = runlog_worker::warm_hosts(catalog, &toolchains);
        let engine = NativeEngine::start(config).await.map_err(|error| {
            failed(
                "programs cannot be isolated here, so none would be run (it needs root, \
                 namespaces and control groups)",
                &error,
            )
        })?;
        Ok(Self {
            engine: Arc::new(engine),
            toolchains,
        })
    }
}

fn mount(mount: &runlog_worker::Mount) -> Mount {
    Mount {
        host: mount.host.clone(),
        inside: mount.inside.clone(),
    }
}

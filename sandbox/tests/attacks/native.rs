//! The native engine as ground for the corpus.

use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine, SpawnerCommand};

use super::corpus::cells::leftovers;
use super::corpus::{Ground, Site};

/// Where the cells have the canary tree.
const TREE: &str = "/opt/runlog-canary";

/// No cell waits beforehand: what is there after a run is what the run has left.
pub(crate) fn config(site: &Site) -> NativeConfig {
    NativeConfig {
        spawner: SpawnerCommand {
            program: env!("CARGO_BIN_EXE_cell-spawner").into(),
            args: Vec::new(),
        },
        mounts: vec![Mount {
            host: site.canaries.tree(),
            inside: TREE.into(),
        }],
        parked_cells: 0,
        ..NativeConfig::new()
    }
}

/// An engine as ground.
pub(crate) fn ground_of(engine: Arc<NativeEngine>, site: Site) -> Ground {
    Ground {
        engine,
        host: None,
        site,
        tree_inside: TREE,
        grace: Duration::from_secs(1),
        leftovers,
    }
}

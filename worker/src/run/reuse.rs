//! Uses what an earlier compile step made of the same files, and keeps what this one makes.

use std::collections::HashMap;
use std::sync::Arc;

use runlog_sandbox::{Cell, CellFile, Collect, CollectLimits};
use tokio_util::task::TaskTracker;

use crate::cache::{Cache, Compiled, Key};

/// The most that is kept of one step: what is larger takes longer to fetch than it is worth.
const LIMITS: CollectLimits = CollectLimits {
    files: 256,
    bytes: 12 << 20,
    depth: 8,
};

/// Where something may be kept, and under which key.
#[derive(Clone)]
pub(crate) struct Reuse {
    pub(crate) cache: Arc<Cache>,
    pub(crate) key: Key,
}

/// A cell with the files of a submission.
pub(super) struct Prepared {
    pub(super) cell: Box<dyn Cell>,
    /// What is in it besides, and makes the compile step needless.
    pub(super) found: Option<Arc<Compiled>>,
}

pub(super) async fn find(reuse: &Option<Reuse>) -> Option<Arc<Compiled>> {
    let reuse = reuse.as_ref()?;
    reuse.cache.find(&reuse.key).await
}

/// What is to be kept of a compile step that ended well.
pub(super) struct Keeps {
    pub(super) reuse: Reuse,
    pub(super) said: Vec<u8>,
    pub(super) sources: Vec<CellFile>,
    pub(super) tracker: TaskTracker,
}

impl Keeps {
    /// Takes the files out of the cell and keeps them beside whatever comes next. If something had
    /// to be left, nothing is kept: half of what was made is of no use.
    pub(super) async fn take(self, cell: &mut Box<dyn Cell>) {
        let everything = Collect {
            paths: vec![".".to_owned()],
            limits: LIMITS,
        };
        let collected = match cell.collect(everything).await {
            Ok(collected) => collected,
            Err(error) => {
                tracing::warn!(%error, "what was compiled is not kept");
                return;
            }
        };
        if collected.left_count > 0 {
            return;
        }
        let Self {
            reuse,
            said,
            sources,
            tracker,
        } = self;
        let sources: HashMap<&str, &CellFile> = sources
            .iter()
            .map(|file| (file.name.as_str(), file))
            .collect();
        let mut files = collected.files;
        files.retain(|file| sources.get(file.name.as_str()) != Some(&file));
        let compiled = Compiled {
            said: said.into(),
            files,
        };
        tracker.spawn(async move { reuse.cache.keep(reuse.key, compiled).await });
    }
}

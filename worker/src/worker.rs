//! What all runs of a worker share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runlog_nats::Log;
use runlog_sandbox::Engine;
use runlog_schemas::{Catalog, ExecutionId, LanguageDefinition};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::metrics::Metrics;

/// What all runs of a worker share.
pub(crate) struct Worker {
    pub(crate) config: Config,
    pub(crate) log: Log,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) languages: Arc<Catalog>,
    pub(crate) metrics: Metrics,
    /// Every task of the worker.
    pub(crate) tracker: TaskTracker,
    /// The time to finish is over: what still runs is given up.
    pub(crate) hurry: CancellationToken,
    pub(crate) running: Mutex<HashSet<ExecutionId>>,
}

impl Worker {
    /// The definition of a language.
    pub(crate) fn language(&self, id: &str) -> Option<&LanguageDefinition> {
        self.languages.find(id)
    }

    /// Notes that an execution runs here; `None` if it does so already.
    pub(crate) fn enter(self: &Arc<Self>, id: ExecutionId) -> Option<Entered> {
        self.lock().insert(id).then(|| Entered {
            worker: Arc::clone(self),
            id,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ExecutionId>> {
        // A set of ids is whole whatever panicked beside it.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An execution runs here while this lives.
pub(crate) struct Entered {
    worker: Arc<Worker>,
    id: ExecutionId,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.worker.lock().remove(&self.id);
    }
}

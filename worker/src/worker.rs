//! What all runs of a worker share.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runlog_nats::Log;
use runlog_sandbox::Engine;
use runlog_schemas::{Catalog, ExecutionId, LanguageDefinition, Submission};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::cache::Cache;
use crate::metrics::Metrics;

/// What all runs of a worker share.
pub(crate) struct Worker {
    pub(crate) config: Config,
    pub(crate) log: Log,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) languages: Arc<Catalog>,
    pub(crate) metrics: Metrics,
    /// What compilers made before.
    pub(crate) cache: Arc<Cache>,
    /// Every task of the worker.
    pub(crate) tracker: TaskTracker,
    /// The time to finish is over: what still runs is given up.
    pub(crate) hurry: CancellationToken,
    /// Nothing new is taken any more.
    pub(crate) draining: CancellationToken,
    pub(crate) running: Mutex<HashSet<ExecutionId>>,
    /// When this worker was last without the log, where it has been.
    pub(crate) cut_off: Mutex<Option<Instant>>,
    /// The languages that were found, by id, with their versions.
    pub(crate) served: watch::Sender<BTreeMap<String, Option<String>>>,
}

impl Worker {
    /// The definition of a language.
    pub(crate) fn language(&self, id: &str) -> Option<&LanguageDefinition> {
        self.languages.find(id)
    }

    /// The languages that were found, by id, with their versions.
    pub(crate) fn languages_served(&self) -> watch::Receiver<BTreeMap<String, Option<String>>> {
        self.served.subscribe()
    }

    /// Whether the toolchain that a submission asks for is here.
    pub(crate) fn has(&self, submission: &Submission) -> bool {
        let Some(wanted) = &submission.toolchain_version else {
            return true;
        };
        let served = self.served.borrow();
        let version = served.get(&submission.language).cloned().flatten();
        version.as_ref() == Some(wanted)
    }

    /// Notes that it was without the log until now.
    pub(crate) fn was_cut_off(&self) {
        let now = Some(Instant::now());
        *self.cut_off.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether it was without the log less than that long ago, and others perhaps still are.
    pub(crate) fn was_just_cut_off(&self, time: Duration) -> bool {
        let cut_off = *self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        cut_off.is_some_and(|at| at.elapsed() < time)
    }

    /// How many executions it has in hand.
    pub(crate) fn running_now(&self) -> usize {
        self.lock().len()
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

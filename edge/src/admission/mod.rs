//! Whether a queue has room for one more.
//!
//! Each edge looks at a queue now and then and counts by itself what it has let in since. So the
//! capacity is exact for one edge, and several may exceed it by what the others let in between two
//! looks.

mod line;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runlog_nats::Log;
use runlog_schemas::{Priority, Submission};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::error::EdgeError;
use crate::metrics::Metrics;
use crate::state::Edge;
use line::{Full, Line};

/// A look is good for that long.
const GOOD_FOR: Duration = Duration::from_millis(250);

/// Nobody is sent away on the word of a look that is older than this, if there is an answer.
const FRESH: Duration = Duration::from_millis(50);

/// So long a submission waits for a look. A queue whose leader is gone is silent for seconds, and
/// the log may take submissions long before.
const PATIENCE: Duration = Duration::from_millis(100);

/// So long it waits before it is sent away.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// All queues that something was submitted to.
#[derive(Default)]
pub(crate) struct Admission {
    gates: Mutex<HashMap<(String, Priority), Arc<Gate>>>,
}

struct Gate {
    line: Mutex<Line>,
    made_at: Instant,
    /// When the last look was. Held while somebody looks, so that one look serves all.
    looked: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

/// Where a gate looks.
struct View {
    log: Log,
    metrics: Metrics,
    tracker: TaskTracker,
    queue: (String, Priority),
}

/// One that was let in and is on its way into the log.
pub(crate) struct Entry {
    gate: Arc<Gate>,
    session: Option<String>,
    sequence: Option<u64>,
}

impl Entry {
    /// It is in the log, at that sequence. Dropped without this, it never was.
    pub(crate) fn entered(mut self, sequence: u64) {
        self.sequence = Some(sequence);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut line = self.gate.line();
        line.settle(self.session.as_deref(), self.sequence);
    }
}

impl Admission {
    /// Lets a submission into its queue.
    ///
    /// # Errors
    /// When the queue is full, or its session has its share of it already.
    pub(crate) async fn enter(
        &self,
        edge: &Edge,
        submission: &Submission,
    ) -> Result<Entry, EdgeError> {
        let queue = (submission.language.clone(), submission.priority);
        let gate = Arc::clone(lock(&self.gates).entry(queue.clone()).or_insert_with(|| {
            Arc::new(Gate {
                line: Mutex::default(),
                made_at: Instant::now(),
                looked: Arc::default(),
            })
        }));
        let slots = edge.fleet.slots(&submission.language).max(1);
        let capacity = slots.saturating_mul(edge.config.queue_capacity_per_slot);
        let session = submission.session.as_deref();
        let view = || View {
            log: edge.log.clone(),
            metrics: edge.metrics.clone(),
            tracker: edge.tracker.clone(),
            queue: queue.clone(),
        };
        let _ = timeout(PATIENCE, gate.look(view, GOOD_FOR)).await;
        let mut joined = gate.line().join(capacity, session);
        if joined.is_err() {
            let _ = timeout(LAST_PATIENCE, gate.look(view, FRESH)).await;
            joined = gate.line().join(capacity, session);
        }
        match joined {
            Ok(()) => Ok(Entry {
                gate,
                session: submission.session.clone(),
                sequence: None,
            }),
            Err(full) => Err(refusal(submission, &full)),
        }
    }
}

impl Gate {
    fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }

    /// Looks at the queue, unless somebody has done so that short a time ago. What was begun goes
    /// on when this is dropped.
    async fn look(self: &Arc<Self>, view: impl Fn() -> View, good_for: Duration) {
        let looked = Arc::clone(&self.looked).lock_owned().await;
        if looked.is_some_and(|at| at.elapsed() < good_for) {
            return;
        }
        let view = view();
        let tracker = view.tracker.clone();
        let looking = tracker.spawn(Arc::clone(self).look_now(view, looked));
        if let Err(error) = looking.await {
            tracing::error!(%error, "a look at a queue ended early");
        }
    }

    async fn look_now(self: Arc<Self>, view: View, mut looked: OwnedMutexGuard<Option<Instant>>) {
        let (language, priority) = (&view.queue.0, view.queue.1);
        let entered = self.line().before_look();
        match view.log.queue().depth(language, priority).await {
            Ok(depth) => {
                self.line().looked(depth, entered, self.made_at.elapsed());
                view.metrics.queue(language, priority, &depth);
            }
            // The append will say what is wrong with the log.
            Err(error) => tracing::debug!(%error, language, %priority, "cannot look at a queue"),
        }
        *looked = Some(Instant::now());
    }
}

fn refusal(submission: &Submission, full: &Full) -> EdgeError {
    let retry_after_s = full.retry_after.as_secs();
    match &submission.session {
        Some(session) if full.of_session => EdgeError::SessionQueueFull {
            session: session.clone(),
            waiting: full.waiting,
            retry_after_s,
        },
        _ => EdgeError::QueueFull {
            queue: format!("{} {}", submission.language, submission.priority),
            waiting: full.waiting,
            retry_after_s,
        },
    }
}

/// What stands behind these locks is whole whatever panicked beside it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

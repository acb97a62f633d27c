//! Takes submissions from the queues: a slot first, a message second.
//!
//! ```text
//! dispatch ── hints, and one pull at a time
//!   └─ one task per submission, which holds its slot until nothing of the run is left
//! ```
//!
//! A message that cannot be started at once would burn its lease in our memory, so none is taken
//! without a free slot. One pull at a time, each from the best queue that may hold something,
//! keeps the order of priorities exact.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use runlog_nats::{Delivery, Poison, RequestError, Wakeup, Wakeups};
use runlog_schemas::Priority;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::metrics::Ignored;
use crate::queues::{Queue, Queues};
use crate::run;
use crate::worker::Worker;

/// When to look again at a queue that announced a submission and then had none: about one in three
/// thousand is announced before the queue itself knows of it.
const SECOND_LOOK: Duration = Duration::from_millis(5);

/// Pause after the log gave no answer.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes submissions until told to stop.
pub(crate) struct Dispatcher {
    worker: Arc<Worker>,
    /// Languages that turned out to be available.
    languages: mpsc::Receiver<String>,
    stop: CancellationToken,
    slots: Arc<Semaphore>,
    /// One for each slot that background work may take.
    background: Arc<Semaphore>,
    queues: Queues,
    next_sweep: Instant,
    /// Queues to look at again, in the order of their times.
    doubts: VecDeque<(Instant, Queue)>,
    /// Queues that could not be asked, so that this is said once.
    failing: HashSet<Queue>,
}

/// What the next submission may take.
#[derive(Default)]
struct Free {
    /// A slot, for any.
    slot: Option<OwnedSemaphorePermit>,
    /// Leave to use it for background work.
    background: Option<OwnedSemaphorePermit>,
}

impl Dispatcher {
    pub(crate) fn new(
        worker: Arc<Worker>,
        languages: mpsc::Receiver<String>,
        stop: CancellationToken,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(worker.config.slots));
        let background = Arc::new(Semaphore::new(worker.config.background_slots()));
        Self {
            worker,
            languages,
            stop,
            slots,
            background,
            queues: Queues::default(),
            next_sweep: Instant::now(),
            doubts: VecDeque::new(),
            failing: HashSet::new(),
        }
    }

    /// Returns when it was told to stop, or when the client of the log was closed.
    pub(crate) async fn run(mut self) {
        let Some(mut wakeups) = self.listen().await else {
            return;
        };
        let stop = self.stop.clone();
        let mut free = Free::default();
        let mut listened = false;
        loop {
            let background = free.background.is_some();
            let can_pull = free.slot.is_some() && self.queues.may_hold_something(background);
            let next_look = self.next_look();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                wakeup = wakeups.next() => match wakeup {
                    Some(Wakeup::Queue { language, priority }) => {
                        self.queues.announce(&Queue { language, priority });
                    }
                    Some(Wakeup::Everything) => {
                        self.queues.doubt_all();
                        // The first one is only the beginning.
                        if std::mem::replace(&mut listened, true) {
                            self.worker.was_cut_off();
                        }
                    }
                    None => return,
                },
                Some(language) = self.languages.recv() => self.queues.add(&language),
                () = sleep_until(next_look) => self.look(),
                slot = Arc::clone(&self.slots).acquire_owned(), if free.slot.is_none() => {
                    free.slot = Some(slot.expect("nobody closes the slots"));
                }
                slot = Arc::clone(&self.background).acquire_owned(), if !background => {
                    free.background = Some(slot.expect("nobody closes the slots"));
                }
                () = std::future::ready(()), if can_pull => self.pull(&mut free).await,
            }
        }
    }

    async fn listen(&self) -> Option<Wakeups> {
        loop {
            match self.worker.log.queue().wakeups().await {
                Ok(wakeups) => return Some(wakeups),
                Err(error) => tracing::warn!(%error, "cannot listen for submissions"),
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = sleep(PAUSE) => {}
            }
        }
    }

    fn next_look(&self) -> Instant {
        let doubt = self.doubts.front().map(|(at, _)| *at);
        doubt.map_or(self.next_sweep, |at| at.min(self.next_sweep))
    }

    fn look(&mut self) {
        let now = Instant::now();
        while self.doubts.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, queue)) = self.doubts.pop_front() {
                self.queues.doubt(&queue);
            }
        }
        if now >= self.next_sweep {
            self.sweep(now);
        }
    }

    /// Looks at all queues, for what does not announce itself.
    fn sweep(&mut self, now: Instant) {
        self.queues.doubt_all();
        // Workers that were started together must not come together for ever.
        let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
        let spread = f64::from(bits) / f64::from(u32::MAX);
        self.next_sweep = now + self.worker.config.sweep.mul_f64(0.75 + 0.5 * spread);
    }

    async fn pull(&mut self, free: &mut Free) {
        let Some(queue) = self.queues.next(free.background.is_some()) else {
            return;
        };
        let Queue { language, priority } = &queue;
        let pulled = self.worker.log.queue().pull(language, *priority, 1).await;
        let message = match pulled {
            Err(error) => return self.unanswered(queue, &error).await,
            Ok(messages) => messages.into_iter().next(),
        };
        self.failing.remove(&queue);
        let Some(message) = message else {
            if self.queues.was_empty(&queue) {
                let at = Instant::now() + SECOND_LOOK;
                self.doubts.push_back((at, queue));
            }
            return;
        };
        self.queues.gave(&queue);
        match message {
            Ok(delivery) => {
                if let Some(slot) = free.slot.take() {
                    let background = delivery.submission.priority == Priority::Background;
                    let background = if background {
                        free.background.take()
                    } else {
                        None
                    };
                    self.start(delivery, (slot, background));
                }
            }
            Err(poison) => self.refuse(poison).await,
        }
    }

    fn start(
        &self,
        delivery: Delivery,
        held: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
    ) {
        let worker = Arc::clone(&self.worker);
        self.worker.tracker.spawn(async move {
            run::handle(&worker, delivery).await;
            drop(held);
        });
    }

    async fn unanswered(&mut self, queue: Queue, error: &RequestError) {
        // The next sweep asks again.
        self.queues.was_empty(&queue);
        let Queue { language, priority } = &queue;
        if !self.failing.contains(&queue) {
            tracing::warn!(%error, language, %priority, "a queue does not answer");
        }
        self.failing.insert(queue);
        if self.worker.log.is_connected() {
            return;
        }
        // The wake-ups will say that everything has to be looked at.
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.worker.log.connected() => {}
        }
    }

    async fn refuse(&self, poison: Poison) {
        let source = poison.error.as_ref().map(ToString::to_string);
        tracing::error!(error = %poison, source, "a message of the queue is left alone");
        self.worker.metrics.ignore(Ignored::Unreadable);
        if let Err(error) = poison.lease.nak(self.worker.config.unreadable).await {
            tracing::warn!(%error, "cannot give a message back");
        }
    }
}

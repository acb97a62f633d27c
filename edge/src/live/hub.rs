//! All executions that this edge watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use runlog_nats::{Log, Watch};
use runlog_schemas::ExecutionId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::feed::{End, Feed, Seat};
use crate::config::EdgeConfig;
use crate::metrics::Metrics;

type Feeds = Mutex<HashMap<ExecutionId, Arc<Feed>>>;

/// All executions that this edge watches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    feeds: Arc<Feeds>,
    log: Log,
    backlog_bytes: usize,
    linger: Duration,
    metrics: Metrics,
    tracker: TaskTracker,
    closing: CancellationToken,
}

impl Hub {
    /// Whose feeds are tasks of `tracker` and end with `closing`.
    pub(crate) fn new(
        log: Log,
        config: &EdgeConfig,
        metrics: Metrics,
        tracker: TaskTracker,
        closing: CancellationToken,
    ) -> Self {
        Self {
            feeds: Arc::default(),
            log,
            backlog_bytes: config.backlog_bytes,
            linger: config.linger,
            metrics,
            tracker,
            closing,
        }
    }

    /// A seat at the feed of an execution, where it is watched already.
    pub(crate) fn join_existing(&self, id: ExecutionId) -> Option<Seat> {
        lock(&self.feeds).get(&id).map(Feed::take_seat)
    }

    /// A seat at the feed of an execution, which begins with the first one.
    pub(crate) fn join(&self, id: ExecutionId) -> Seat {
        self.join_with(id, None)
    }

    /// The same, for an execution whose watch has begun: a feed that begins with this seat reads
    /// nothing.
    pub(crate) fn join_begun(&self, id: ExecutionId, watch: Watch) -> Seat {
        self.join_with(id, Some(watch))
    }

    fn join_with(&self, id: ExecutionId, watch: Option<Watch>) -> Seat {
        let mut feeds = lock(&self.feeds);
        if let Some(feed) = feeds.get(&id) {
            return feed.take_seat();
        }
        let feed = Feed::new(id, self.backlog_bytes);
        feeds.insert(id, Arc::clone(&feed));
        let seat = feed.take_seat();
        self.tracker.spawn(self.clone().run(id, feed, watch));
        seat
    }

    /// The task of one feed: goes on while somebody watches.
    async fn run(self, id: ExecutionId, feed: Arc<Feed>, watch: Option<Watch>) {
        let _counted = self.metrics.feed();
        let mut follow = std::pin::pin!(feed.follow(&self.log, watch));
        let mut over = false;
        loop {
            tokio::select! {
                end = &mut follow, if !over => {
                    if end == End::Newer {
                        self.metrics.newer();
                    }
                    feed.end(end);
                    over = true;
                    if end != End::Over {
                        break;
                    }
                }
                () = self.closing.cancelled() => {
                    feed.end(End::Broken);
                    break;
                }
                () = feed.unwatched(self.linger) => {
                    let mut feeds = lock(&self.feeds);
                    // Since the feed looked, somebody may have come.
                    if !feed.is_watched() {
                        feeds.remove(&id);
                        return;
                    }
                }
            }
        }
        lock(&self.feeds).remove(&id);
    }
}

fn lock(feeds: &Feeds) -> MutexGuard<'_, HashMap<ExecutionId, Arc<Feed>>> {
    feeds
        .lock()
        .expect("nothing panics while it holds the feeds")
}

//! The one reader of the log for an execution that is watched.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use runlog_nats::{Log, ReadError, Watch};
use runlog_schemas::{Cursor, Execution, ExecutionId, Item, Shown, fold};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::catch_up::RETRY_PAUSE;
use super::frame::Frame;
use super::ring::{Lookup, Ring};

/// An execution that is watched.
#[derive(Debug)]
pub(crate) struct Feed {
    id: ExecutionId,
    ring: Mutex<Ring>,
    /// Changes whenever there is something new for viewers.
    progress: watch::Sender<Progress>,
    viewers: watch::Sender<usize>,
}

/// How far a feed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// How many messages there have been.
    pub(crate) frames: u64,
    /// Whether there will be no more, and why.
    pub(crate) end: Option<End>,
}

/// Why a feed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The execution ended, and everything has been shown.
    Over,
    /// The log could not be read, or this edge stops.
    Broken,
    /// The log went on with something that a newer version wrote.
    Newer,
}

/// A viewer's hold on a feed, which goes on for as long as somebody holds it.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Feed>);

impl std::ops::Deref for Seat {
    type Target = Feed;

    fn deref(&self) -> &Feed {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.viewers.send_modify(|viewers| *viewers -= 1);
    }
}

impl Feed {
    pub(super) fn new(id: ExecutionId, backlog_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            id,
            ring: Mutex::new(Ring::new(backlog_bytes)),
            progress: watch::Sender::default(),
            viewers: watch::Sender::new(0),
        })
    }

    pub(super) fn take_seat(self: &Arc<Self>) -> Seat {
        self.viewers.send_modify(|viewers| *viewers += 1);
        Seat(Arc::clone(self))
    }

    pub(super) fn is_watched(&self) -> bool {
        *self.viewers.borrow() > 0
    }

    /// To be woken whenever there is something new.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Whether the execution has ended, and everything is there.
    pub(super) fn is_over(&self) -> bool {
        self.progress.borrow().end == Some(End::Over)
    }

    pub(super) fn from(&self, next: u64) -> Lookup {
        self.ring().from(next)
    }

    /// Everything that was shown, where all of it is still there.
    pub(crate) fn all(&self) -> Option<Vec<Arc<Frame>>> {
        self.ring().all()
    }

    /// Number of the first message that is there, and what must have been seen before it.
    pub(super) fn begin(&self) -> (u64, Cursor) {
        let ring = self.ring();
        (ring.first(), ring.lost())
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring
            .lock()
            .expect("nothing panics while it holds the ring")
    }

    fn show(&self, shown: Shown, execution: &Execution) {
        let frame = Arc::new(Frame::new(self.id, shown, execution));
        self.ring().push(frame);
        self.progress.send_modify(|progress| progress.frames += 1);
    }

    /// Returns when nobody has watched for so long.
    pub(super) async fn unwatched(&self, linger: Duration) {
        let mut viewers = self.viewers.subscribe();
        loop {
            // The sender is ours, so it cannot be gone.
            let _ = viewers.wait_for(|viewers| *viewers == 0).await;
            let back = viewers.wait_for(|viewers| *viewers > 0);
            if timeout(linger, back).await.is_err() {
                return;
            }
        }
    }

    /// Tells viewers that nothing more comes from here.
    pub(super) fn end(&self, end: End) {
        self.progress
            .send_modify(|progress| progress.end = progress.end.or(Some(end)));
    }

    /// Reads the log, or the watch that has begun already, until the execution is over.
    pub(super) async fn follow(&self, log: &Log, begun: Option<Watch>) -> End {
        match self.show_all(log, begun).await {
            Ok(()) => End::Over,
            Err(error) => {
                let newer = error.is_newer();
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, id = %self.id, "an execution can no longer be watched");
                if newer { End::Newer } else { End::Broken }
            }
        }
    }

    /// Begins to watch. A log that is away for a moment is waited for: viewers are there already.
    async fn watch(&self, log: &Log) -> Result<Watch, ReadError> {
        loop {
            match log.watch(self.id, Cursor::default()).await {
                Err(ReadError::Request(error)) => {
                    tracing::debug!(%error, id = %self.id, "a feed waits for the log");
                    sleep(RETRY_PAUSE).await;
                    log.connected().await;
                }
                begun => return begun,
            }
        }
    }

    async fn show_all(&self, log: &Log, begun: Option<Watch>) -> Result<(), ReadError> {
        let mut watch = match begun {
            Some(watch) => watch,
            None => self.watch(log).await?,
        };
        let mut execution = Execution::default();
        while let Some(shown) = watch.next().await {
            let shown = shown?;
            if let Item::Event(event) = &shown.item {
                execution = fold(execution, event);
            }
            self.show(shown, &execution);
        }
        Ok(())
    }
}

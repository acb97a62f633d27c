//! What an attempt needs of the log, and how long it insists.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use runlog_failpoint::{self as failpoint, Point};
use runlog_nats::{AppendError, ControlListener, Freshness, Lease, Log, ReadError};
use runlog_schemas::{Change, ExecutionEvent, ExecutionId, OutputBatch, State};
use tokio::time::{Instant, sleep};

use super::attempt::Position;
use crate::Config;

/// Why the log was of no help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Something else stands there already.
    Conflict,
    /// It was away for so long that the lease is gone.
    LeaseLost,
}

/// The log, as one attempt sees it. Whatever it says has been insisted on: a failure is final.
pub(crate) trait Journal: Send + Sync {
    /// Appends to the lifecycle behind that sequence.
    fn append<'a>(
        &'a self,
        event: &'a ExecutionEvent,
        expected: u64,
    ) -> BoxFuture<'a, Result<u64, Failure>>;

    /// Appends to the recording.
    fn record<'a>(&'a self, batch: &'a OutputBatch) -> BoxFuture<'a, Result<u64, Failure>>;

    /// Brings a position up to what the leader knows.
    fn read(&self, position: Position) -> BoxFuture<'_, Result<Position, Failure>>;

    /// Listens for what viewers say; `None` where there are none.
    fn listen(&self) -> BoxFuture<'_, Option<ControlListener>>;

    /// Says that the run is alive.
    fn keep_lease(&self) -> BoxFuture<'_, ()>;
}

/// Pause between two tries while the log is away.
const PAUSE: Duration = Duration::from_millis(200);

/// The real log.
pub(crate) struct LogJournal {
    log: Log,
    id: ExecutionId,
    lease: Lease,
    /// After so much silence somebody else may have the execution.
    lease_time: Duration,
    /// How long the log may be away.
    patience: Duration,
    /// When the log was asked something that it answered. From then on the queue keeps the
    /// execution for us for the time of the lease, if it had it for us at all.
    heard: Mutex<Instant>,
}

impl LogJournal {
    pub(crate) fn new(log: Log, id: ExecutionId, lease: Lease, config: &Config) -> Self {
        Self {
            log,
            id,
            lease,
            lease_time: config.lease,
            patience: config.patience,
            heard: Mutex::new(Instant::now()),
        }
    }

    /// The log answered what it was asked then.
    fn hear(&self, asked: Instant) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// The log did not answer: there will be another try, unless it has been away for too long.
    fn missed(&self, what: &'static str, error: &(dyn Error + 'static)) -> Result<(), Failure> {
        tracing::warn!(id = %self.id, error, what, "the log does not answer");
        if self.silence() >= self.patience {
            return Err(Failure::LeaseLost);
        }
        Ok(())
    }

    /// Time since the log was asked something that it answered.
    fn silence(&self) -> Duration {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.elapsed()
    }

    /// Whether that attempt still runs, as the leader knows it.
    async fn is_ours(&self, attempt: u32) -> Result<bool, ReadError> {
        let folded = self.log.read_execution(self.id, Freshness::Leader).await?;
        // A submission that has left the log says nothing.
        Ok(folded.is_none_or(|it| match it.execution.state {
            State::Running { attempt: runs, .. } => runs == attempt,
            State::Absent | State::Queued { .. } | State::Ended(_) => false,
        }))
    }
}

/// The points around an append of an attempt: its beginning or its end.
const fn points(event: &ExecutionEvent) -> (Point, Point) {
    match event.change {
        Change::Started { .. } => (Point::StartedBefore, Point::StartedAppended),
        _ => (Point::FinishedBefore, Point::FinishedAppended),
    }
}

impl Journal for LogJournal {
    fn append<'a>(
        &'a self,
        event: &'a ExecutionEvent,
        expected: u64,
    ) -> BoxFuture<'a, Result<u64, Failure>> {
        async move {
            let (before, appended) = points(event);
            failpoint::hit(before);
            loop {
                let asked = Instant::now();
                match self.log.append_status(self.id, expected, event).await {
                    Ok(sequence) => {
                        failpoint::hit(appended);
                        self.hear(asked);
                        return Ok(sequence);
                    }
                    Err(AppendError::Conflict) => return Err(Failure::Conflict),
                    Err(error) => self.missed("append", &error)?,
                }
                sleep(PAUSE).await;
            }
        }
        .boxed()
    }

    fn record<'a>(&'a self, batch: &'a OutputBatch) -> BoxFuture<'a, Result<u64, Failure>> {
        async move {
            failpoint::hit(Point::OutputBefore);
            loop {
                let asked = Instant::now();
                // Output has no fence. After standing still for the time of a lease, somebody else
                // may have ended this attempt with what the log had of it, and viewers would see
                // what is no part of the recording.
                if self.silence() >= self.lease_time {
                    match self.is_ours(batch.attempt).await {
                        Ok(true) => self.hear(asked),
                        Ok(false) => return Err(Failure::Conflict),
                        Err(error) => {
                            self.missed("read", &error)?;
                            sleep(PAUSE).await;
                            continue;
                        }
                    }
                }
                match self.log.append_output(self.id, batch).await {
                    Ok(sequence) => {
                        failpoint::hit(Point::OutputAppended);
                        self.hear(asked);
                        return Ok(sequence);
                    }
                    Err(error) => self.missed("record", &error)?,
                }
                sleep(PAUSE).await;
            }
        }
        .boxed()
    }

    fn read(&self, position: Position) -> BoxFuture<'_, Result<Position, Failure>> {
        async move {
            loop {
                let asked = Instant::now();
                let after = position.sequence;
                match self
                    .log
                    .read_status(self.id, after, Freshness::Leader)
                    .await
                {
                    Ok(events) => {
                        self.hear(asked);
                        return Ok(events.into_iter().fold(position, Position::then));
                    }
                    Err(error) => self.missed("read", &error)?,
                }
                sleep(PAUSE).await;
            }
        }
        .boxed()
    }

    fn listen(&self) -> BoxFuture<'_, Option<ControlListener>> {
        async move {
            // Without it viewers hear that nobody runs the execution, and a cancel is found by the
            // next look at the log.
            match self.log.control_listen(self.id).await {
                Ok(listener) => Some(listener),
                Err(error) => {
                    tracing::warn!(id = %self.id, %error, "cannot listen for what viewers say");
                    None
                }
            }
        }
        .boxed()
    }

    fn keep_lease(&self) -> BoxFuture<'_, ()> {
        async move {
            if let Err(error) = self.lease.progress().await {
                tracing::warn!(id = %self.id, %error, "cannot keep the lease");
            }
        }
        .boxed()
    }
}

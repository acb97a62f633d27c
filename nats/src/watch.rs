//! The live view of one execution: backlog and what comes, joined, once and in order.
//!
//! The server repeats what the log has taken (and nothing that it refused) on `live.>`, with its
//! sequence and the sequence before it on the same subject. A watch listens there first and reads
//! the backlog second, so nothing falls in between; what it has seen twice is dropped by sequence,
//! and where a sequence is missing it reads again. So it does after a lost connection, after an
//! overflow, and from time to time although all seems well, since in a cluster a message may be
//! lost between two servers without a sign.
//!
//! ```text
//!   Lifecycle ──► Output ──(pages)──► Settle ──► Live ──► the terminal event
//!       ▲                                          │
//!       └──────────── gap, loss, audit ────────────┘
//! ```

mod live;

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::StreamExt as _;
use runlog_schemas::subject;
use runlog_schemas::{
    Change, Cursor, Execution, ExecutionEvent, ExecutionId, Item, OutputSummary, Shown, Timeline,
};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::ConnectionState;
use crate::fetch::Stored;
use crate::read::Place;
use crate::{Freshness, Log, ReadError, RequestError};
use live::{Kind, Live};

/// Pause before a read is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Watches one execution. One of these per execution and edge is enough, however many viewers.
pub struct Watch {
    log: Log,
    id: ExecutionId,
    from: Cursor,
    timeline: Timeline,
    live: Subscriber,
    state: watch::Receiver<ConnectionState>,
    seen: ConnectionState,
    phase: Phase,
    /// A message that came live while messages before it were missing.
    held: Option<Live>,
    ready: VecDeque<Ready>,
    /// What the viewer knows of the execution.
    execution: Execution,
    shown: Cursor,
    output_lost: bool,
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Lifecycle,
    Output,
    Settle,
    Live,
}

/// Something to show, and what the execution is with it.
struct Ready {
    shown: Shown,
    execution: Option<Execution>,
}

impl Log {
    /// Watches an execution from behind `from` on; the default is its beginning.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] when the log has no such execution.
    pub async fn watch(&self, id: ExecutionId, from: Cursor) -> Result<Watch, ReadError> {
        let listening = self.listen_to(id, from).await?;
        let submitted = self
            .read_submitted(id)
            .await?
            .ok_or(ReadError::NotFound(id))?;
        Ok(listening.begin(submitted, Phase::Lifecycle))
    }

    /// Prepares to watch an execution that the caller is about to submit through this connection.
    /// Nothing then stands in the log that would have to be read.
    ///
    /// # Errors
    /// When the client was closed.
    pub async fn watch_new(&self, id: ExecutionId) -> Result<NewWatch, ReadError> {
        Ok(NewWatch(self.listen_to(id, Cursor::default()).await?))
    }

    async fn listen_to(&self, id: ExecutionId, from: Cursor) -> Result<Watch, ReadError> {
        let state = self.state();
        let seen = *state.borrow();
        let live = self
            .subscribe(format!("{}*.{id}", subject::LIVE_PREFIX))
            .await?;
        Ok(Watch {
            log: self.clone(),
            id,
            from,
            timeline: Timeline::resumed(from),
            live,
            state,
            seen,
            phase: Phase::Lifecycle,
            held: None,
            ready: VecDeque::new(),
            execution: Execution::default(),
            shown: from,
            output_lost: false,
            failed: false,
        })
    }
}

/// A watch that listens already and waits for its execution to be submitted.
pub struct NewWatch(Watch);

impl NewWatch {
    /// Begins: the submission went into the log behind this, with that sequence. The server got to
    /// know of the subscription before it got the submission, so all that follows comes live; a
    /// loss shows by itself, as in every watch.
    #[must_use]
    pub fn submitted(self, sequence: u64, event: ExecutionEvent) -> Watch {
        self.0.begin((sequence, event), Phase::Live)
    }
}

impl Watch {
    fn begin(mut self, (sequence, event): (u64, ExecutionEvent), phase: Phase) -> Self {
        let shown = self.timeline.push_event(sequence, event);
        self.show(shown);
        self.phase = phase;
        self
    }

    /// The next thing to show; `None` after the terminal event. Waits through losses of the
    /// connection. May be dropped and called again.
    ///
    /// # Errors
    /// At a message that cannot be read; nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Shown, ReadError>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                if let Some(execution) = ready.execution {
                    self.execution = execution;
                }
                return Some(Ok(ready.shown));
            }
            if self.failed || self.timeline.is_over() {
                return None;
            }
            match self.advance().await {
                Ok(()) => {}
                Err(ReadError::Request(error)) => {
                    tracing::debug!(%error, id = %self.id, "a watch reads again");
                    sleep(RETRY_PAUSE).await;
                    self.log.connected().await;
                    self.phase = Phase::Lifecycle;
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// The execution, folded up to what [`Self::next`] gave last; after a resumption, up to where
    /// the viewer was.
    #[must_use]
    pub const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// Whether output is missing in what was shown because the log no longer has it: the whole of
    /// it is in the recording.
    #[must_use]
    pub const fn output_lost(&self) -> bool {
        self.output_lost
    }

    /// One step. State changes only behind the last await, so a step may be dropped.
    async fn advance(&mut self) -> Result<(), ReadError> {
        match self.phase {
            Phase::Lifecycle => self.read_lifecycle().await,
            Phase::Output => self.read_output_page().await,
            Phase::Settle => self.settle().await,
            Phase::Live => self.follow().await,
        }
    }

    async fn read_lifecycle(&mut self) -> Result<(), ReadError> {
        let now = *self.state.borrow();
        let after = self.timeline.seen().status;
        let events = self.log.read_status(self.id, after, Freshness::Any).await?;
        for (sequence, event) in events {
            let shown = self.timeline.push_event(sequence, event);
            self.show(shown);
        }
        self.seen = now;
        self.phase = Phase::Output;
        Ok(())
    }

    async fn read_output_page(&mut self) -> Result<(), ReadError> {
        let place = self.output_place();
        let page = self.log.next_page(&place, self.seen_output()).await?;
        for stored in &page.messages {
            let batch = stored.output()?;
            let shown = self.timeline.push_output(stored.sequence, batch);
            self.show(shown);
        }
        if !page.more {
            self.phase = Phase::Settle;
        }
        Ok(())
    }

    /// Sees to what the replica that was read did not have yet, and to what nobody has any more.
    async fn settle(&mut self) -> Result<(), ReadError> {
        let missing = match &self.held {
            Some(held) => Some((held.kind, held.stored.sequence)),
            None => self
                .timeline
                .missing_output()
                .map(|last| (Kind::Output, last)),
        };
        let Some((kind, sequence)) = missing else {
            self.phase = Phase::Live;
            return Ok(());
        };
        let (stream, subject, seen) = match kind {
            Kind::Status => (
                subject::EXECUTIONS,
                subject::status(self.id),
                self.timeline.seen().status,
            ),
            Kind::Output => (
                subject::OUTPUT,
                subject::output(self.id),
                self.seen_output(),
            ),
        };
        let next = if seen < sequence {
            self.log.leader_next(stream, &subject, seen + 1).await?
        } else {
            None
        };
        match (next, self.held.take()) {
            (Some(stored), held) => {
                self.held = held;
                self.push(kind, &stored)?;
            }
            (None, Some(held)) => self.push(held.kind, &held.stored)?,
            (None, None) => {
                self.output_lost = true;
                let shown = self.timeline.end_now();
                self.show(shown);
            }
        }
        Ok(())
    }

    async fn follow(&mut self) -> Result<(), ReadError> {
        tokio::select! {
            biased;
            changed = self.state.changed() => {
                if changed.is_err() {
                    return Err(closed());
                }
                let now = *self.state.borrow();
                if now.connected && now.lost_since(&self.seen) {
                    self.phase = Phase::Lifecycle;
                }
            }
            message = self.live.next() => {
                let message = message.ok_or_else(closed)?;
                self.take_live(message)?;
            }
            () = sleep(self.log.config().audit_every) => self.phase = Phase::Lifecycle,
        }
        Ok(())
    }

    fn take_live(&mut self, message: Message) -> Result<(), ReadError> {
        let live = Live::of(message)?;
        let seen = match live.kind {
            Kind::Status => self.timeline.seen().status,
            Kind::Output => self.seen_output(),
        };
        if live.stored.sequence <= seen {
            return Ok(());
        }
        if live.previous > seen {
            self.held = Some(live);
            self.phase = Phase::Lifecycle;
            return Ok(());
        }
        self.push(live.kind, &live.stored)?;
        if self.timeline.missing_output().is_some() {
            // Mostly it is on its way; the log knows.
            self.phase = Phase::Output;
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind, stored: &Stored) -> Result<(), ReadError> {
        let shown = match kind {
            Kind::Status => {
                let event = stored.event(self.log.vocabulary())?;
                self.timeline.push_event(stored.sequence, event)
            }
            Kind::Output => self.timeline.push_output(stored.sequence, stored.output()?),
        };
        self.show(shown);
        Ok(())
    }

    fn seen_output(&self) -> u64 {
        self.timeline.seen().output.max(self.from.output)
    }

    fn output_place(&self) -> Place {
        Place {
            stream: subject::OUTPUT,
            subject: subject::output(self.id),
            freshness: Freshness::Any,
        }
    }

    /// Hands on what the timeline shows, and notes holes in the output.
    fn show(&mut self, shown: Vec<Shown>) {
        let state = self.timeline.execution();
        if shown.is_empty() && self.timeline.seen().status <= self.from.status {
            self.execution = state.clone();
        }
        for shown in shown {
            let execution = match &shown.item {
                Item::Output(batch) => {
                    let first = batch.chunks.first().map(|chunk| chunk.number);
                    self.output_lost |= first.is_some_and(|number| number > self.shown.chunk);
                    None
                }
                Item::Event(event) => {
                    if let Change::Started { .. } = event.change {
                        self.output_lost = false;
                    }
                    let whole = summary(&event.change).map_or(0, |summary| summary.chunks);
                    self.output_lost |= whole > shown.cursor.chunk;
                    // A push shows one event at most, so this is the state behind it.
                    Some(state.clone())
                }
            };
            self.shown = shown.cursor;
            self.ready.push_back(Ready { shown, execution });
        }
    }
}

fn summary(change: &Change) -> Option<&OutputSummary> {
    match change {
        Change::Finished { output, .. } | Change::Dead { output, .. } => Some(output),
        _ => None,
    }
}

fn closed() -> ReadError {
    ReadError::Request(RequestError::Unavailable(
        "the client was closed".to_owned(),
    ))
}

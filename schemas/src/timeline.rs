//! One execution's two streams, joined to the one order that a viewer sees.
//!
//! Lifecycle and output stand in two streams, and their messages reach a reader in any
//! interleaving, repeated, or late. A [`Timeline`] takes them as they come (each stream in its own
//! order) and gives them out once: `submitted`, `started`, the output of that attempt, and the
//! terminal event behind the last output.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use crate::{Change, Execution, ExecutionEvent, OutputBatch, fold};

/// A place in a timeline: everything up to here has been seen. Written `12-345-6`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Last sequence seen in the stream `EXECUTIONS`.
    pub status: u64,
    /// Last sequence seen in the stream `OUTPUT`.
    pub output: u64,
    /// The number of the next chunk of the attempt that runs.
    pub chunk: u64,
}

/// A text that is no [`Cursor`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a timeline: {0:?}; expected three numbers such as 12-345-6")]
pub struct MalformedCursor(String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.status, self.output, self.chunk)
    }
}

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut numbers = text.split('-').map(|number| number.parse().ok());
            let cursor = Self {
                status: numbers.next()??,
                output: numbers.next()??,
                chunk: numbers.next()??,
            };
            numbers.next().is_none().then_some(cursor)
        };
        parse().ok_or_else(|| MalformedCursor(text.chars().take(64).collect()))
    }
}

/// Something to show to a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where a viewer who has seen this goes on.
    pub cursor: Cursor,
    /// What to show.
    pub item: Item,
}

/// What a viewer is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A change of state. After a `started` or a `retried`, output that was shown before no
    /// longer counts.
    Event(ExecutionEvent),
    /// Output of the attempt that counts.
    Output(OutputBatch),
}

/// Joins an execution's two streams. Pure; see the module.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    from: Cursor,
    seen: Cursor,
    shown: Cursor,
    execution: Execution,
    /// Output that came before its attempt's `started`.
    early: VecDeque<(u64, OutputBatch)>,
    /// The terminal event, while output before it is missing.
    end: Option<(u64, ExecutionEvent)>,
}

impl Timeline {
    /// A timeline for a viewer who has seen everything up to `from`. The lifecycle must be pushed
    /// from its beginning all the same; output may begin behind `from.output`.
    #[must_use]
    pub fn resumed(from: Cursor) -> Self {
        Self {
            from,
            shown: from,
            ..Self::default()
        }
    }

    /// The execution, folded up to what has been shown.
    #[must_use]
    pub const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// The last sequence taken of each stream: where to go on reading.
    #[must_use]
    pub const fn seen(&self) -> Cursor {
        self.seen
    }

    /// Whether the terminal event has been shown; nothing comes after it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.execution.end().is_some()
    }

    /// The sequence in `OUTPUT` that must be read before the terminal event can be shown.
    #[must_use]
    pub fn missing_output(&self) -> Option<u64> {
        self.end.as_ref().and_then(|(_, event)| last_output(event))
    }

    /// Takes a message of the lifecycle.
    pub fn push_event(&mut self, sequence: u64, event: ExecutionEvent) -> Vec<Shown> {
        if sequence <= self.seen.status || self.is_over() {
            return Vec::new();
        }
        self.seen.status = sequence;
        if last_output(&event).is_some_and(|last| last > self.seen.output.max(self.from.output)) {
            self.end = Some((sequence, event));
            return Vec::new();
        }
        self.apply(sequence, event)
    }

    /// Takes a message of the recording.
    pub fn push_output(&mut self, sequence: u64, batch: OutputBatch) -> Vec<Shown> {
        if sequence <= self.seen.output || self.is_over() {
            return Vec::new();
        }
        self.seen.output = sequence;
        if sequence <= self.from.output {
            return Vec::new();
        }
        let mut shown = Vec::new();
        // Until the lifecycle has been read again up to where the viewer was, an attempt that came
        // to nothing may still look like the one that runs.
        if self.seen.status < self.from.status {
            self.early.push_back((sequence, batch));
        } else if self.execution.recorded_attempt() == Some(batch.attempt) {
            shown.extend(self.show_output(sequence, batch));
        } else if batch.attempt >= self.execution.next_attempt() {
            self.early.push_back((sequence, batch));
        }
        if self.missing_output().is_some_and(|last| last <= sequence) {
            shown.extend(self.end_now());
        }
        shown
    }

    /// Shows the terminal event although output before it is missing: the log no longer has it.
    pub fn end_now(&mut self) -> Vec<Shown> {
        match self.end.take() {
            Some((sequence, event)) => self.apply(sequence, event),
            None => Vec::new(),
        }
    }

    fn apply(&mut self, sequence: u64, event: ExecutionEvent) -> Vec<Shown> {
        let before = self.execution.clone();
        self.execution = fold(std::mem::take(&mut self.execution), &event);
        if self.execution == before {
            return Vec::new();
        }
        if sequence < self.from.status {
            return Vec::new();
        }
        let mut shown = Vec::new();
        if sequence > self.from.status {
            if matches!(event.change, Change::Started { .. }) {
                self.shown.chunk = 0;
            }
            self.shown.status = sequence;
            shown.push(Shown {
                cursor: self.shown,
                item: Item::Event(event),
            });
        }
        for (sequence, batch) in std::mem::take(&mut self.early) {
            if self.execution.recorded_attempt() == Some(batch.attempt) {
                shown.extend(self.show_output(sequence, batch));
            } else if batch.attempt >= self.execution.next_attempt() {
                self.early.push_back((sequence, batch));
            }
        }
        shown
    }

    /// Drops the chunks that were shown before: a worker whose append went unanswered may have
    /// written some twice.
    fn show_output(&mut self, sequence: u64, mut batch: OutputBatch) -> Option<Shown> {
        batch
            .chunks
            .retain(|chunk| chunk.number >= self.shown.chunk);
        self.shown.chunk = batch.chunks.last()?.number + 1;
        self.shown.output = sequence;
        Some(Shown {
            cursor: self.shown,
            item: Item::Output(batch),
        })
    }
}

fn last_output(event: &ExecutionEvent) -> Option<u64> {
    match &event.change {
        Change::Finished { output, .. } | Change::Dead { output, .. } => output.last_sequence,
        Change::Submitted { .. }
        | Change::Started { .. }
        | Change::Retried { .. }
        | Change::CancelRequested
        | Change::Cancelled
        | Change::Expired => None,
    }
}

//! One execution's two streams, joined to the one order that a viewer sees.
//!
//! Lifecycle and output stand in two streams, and their messages reach a reader in any
//! interleaving, repeated, or late. A [`Timeline`] takes them as they come (each stream in its own
//! order) and gives them out once: `submitted`, `started`, the output of that attempt, and the
//! terminal event behind the last output.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use crate::{Change, Execution, ExecutionEvent, OutputBatch, State, fold};

/// A place in a timeline: everything up to here has been seen. Written `12-345`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Last sequence seen in the stream `EXECUTIONS`.
    pub status: u64,
    /// Last sequence seen in the stream `OUTPUT`.
    pub output: u64,
}

/// A text that is no [`Cursor`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a timeline: {0:?}; expected two numbers such as 12-345")]
pub struct MalformedCursor(String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.status, self.output)
    }
}

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (status, output) = text.split_once('-')?;
            Some(Self {
                status: status.parse().ok()?,
                output: output.parse().ok()?,
            })
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
    /// A change of state. After a `started` with an attempt above 1, what was shown of the
    /// attempts before no longer counts.
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
    /// The number of the next chunk of the attempt that runs; `None` after a resumption.
    next_chunk: Option<u64>,
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
        match self.execution.current_attempt() {
            Some(attempt) if batch.attempt < attempt => {}
            Some(attempt) if batch.attempt == attempt => {
                shown.extend(self.show_output(sequence, batch));
            }
            Some(_) | None => self.early.push_back((sequence, batch)),
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
        let mut shown = Vec::new();
        if let Change::Started { .. } = event.change {
            // A viewer who resumes in the middle of this attempt has seen its first chunks.
            let resumed = sequence <= self.from.status && self.from.output > 0;
            self.next_chunk = if resumed { None } else { Some(0) };
        }
        if sequence > self.from.status {
            self.shown.status = sequence;
            shown.push(Shown {
                cursor: self.shown,
                item: Item::Event(event),
            });
        }
        if let State::Running { attempt, .. } = self.execution.state {
            for (sequence, batch) in std::mem::take(&mut self.early) {
                if batch.attempt == attempt {
                    shown.extend(self.show_output(sequence, batch));
                } else if batch.attempt > attempt {
                    self.early.push_back((sequence, batch));
                }
            }
        }
        shown
    }

    /// Drops the chunks that were shown before: a worker whose append went unanswered may have
    /// written some twice.
    fn show_output(&mut self, sequence: u64, mut batch: OutputBatch) -> Option<Shown> {
        let next = self.next_chunk.unwrap_or(0);
        batch.chunks.retain(|chunk| chunk.number >= next);
        self.next_chunk = Some(batch.chunks.last()?.number + 1);
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

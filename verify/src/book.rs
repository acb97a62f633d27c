//! What is remembered of every execution while everything is looked at: little, since there may be
//! a million of them.

use std::collections::{HashMap, VecDeque};

use runlog_schemas::{Execution, ExecutionEvent, ExecutionId, encode_event};

use crate::digest::{self, Digest};
use crate::finding::Violation;
use crate::lifecycle::Lifecycle;
use crate::row::Line;

/// Executions that have not ended and are kept in full; more are read again when they go on.
const OPEN_AT_ONCE: usize = 50_000;

/// What is known of an execution whose submission the log has.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Sequence of its submission.
    pub(crate) first: u64,
    /// Sequence of its last event.
    pub(crate) last: u64,
    /// Sequence of its last event up to the checkpoint.
    pub(crate) folded: u64,
    pub(crate) attempts: u32,
    pub(crate) ended: bool,
    /// The output of the attempt that ended it.
    pub(crate) output: Option<Output>,
    /// Of the event that submitted it.
    pub(crate) submission: Digest,
    /// Of the row that it must have; `None` behind the checkpoint.
    pub(crate) row: Option<Digest>,
    pub(crate) died: bool,
    pub(crate) seen: Seen,
}

/// What the terminal event says of the output.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) attempt: u32,
    pub(crate) last_sequence: Option<u64>,
    pub(crate) summary: Digest,
    /// Of the chunks in the log, once all of them were read.
    pub(crate) chunks: Option<Digest>,
}

/// Where it turned up besides the log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) row: bool,
    pub(crate) submission: bool,
    pub(crate) recording: bool,
    pub(crate) due: bool,
    pub(crate) letter: bool,
    /// Its output was read to the end, or is known to be gone.
    pub(crate) output: bool,
}

/// Every execution.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) entries: HashMap<ExecutionId, Entry>,
    open: HashMap<ExecutionId, Lifecycle>,
    /// The open ones, the longest open in front; some have ended since.
    order: VecDeque<ExecutionId>,
    /// Whether the checkpoint has been passed.
    passed: bool,
}

/// What the book can do with an event.
pub(crate) enum Taken {
    /// It fits, or this is wrong with it.
    Done(Option<Violation>),
    /// The execution must be read again first.
    Forgotten,
    /// The book has no such execution.
    Unknown,
}

impl Book {
    /// Takes the next event of the log.
    pub(crate) fn take(&mut self, sequence: u64, id: ExecutionId, event: &ExecutionEvent) -> Taken {
        let Some(entry) = self.entries.get_mut(&id) else {
            return self.begin(sequence, id, event);
        };
        if entry.ended {
            entry.reach(sequence, self.passed);
            let words = format!("{} behind the terminal event", event.change.name());
            return Taken::Done(Some(Violation::of(crate::Rule::AfterTheEnd, words)));
        }
        let Some(lifecycle) = self.open.get_mut(&id) else {
            return Taken::Forgotten;
        };
        entry.reach(sequence, self.passed);
        let violation = lifecycle.push(event);
        self.settle(id);
        Taken::Done(violation)
    }

    fn begin(&mut self, sequence: u64, id: ExecutionId, event: &ExecutionEvent) -> Taken {
        let mut lifecycle = Lifecycle::default();
        let violation = lifecycle.push(event);
        if lifecycle.execution().origin.is_none() {
            return Taken::Unknown;
        }
        let entry = Entry {
            first: sequence,
            last: sequence,
            folded: if self.passed { 0 } else { sequence },
            attempts: 0,
            ended: false,
            output: None,
            submission: digest::of_bytes(&encode_event(event)),
            row: None,
            died: false,
            seen: Seen::default(),
        };
        self.entries.insert(id, entry);
        self.keep(id, lifecycle);
        Taken::Done(violation)
    }

    /// Takes up an execution that was read again.
    pub(crate) fn remember(&mut self, id: ExecutionId, execution: Execution) {
        self.keep(id, Lifecycle::resumed(execution));
    }

    fn keep(&mut self, id: ExecutionId, lifecycle: Lifecycle) {
        self.open.insert(id, lifecycle);
        self.order.push_back(id);
        while self.open.len() > OPEN_AT_ONCE {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.close(oldest);
        }
        if self.order.len() > 4 * OPEN_AT_ONCE {
            self.order.retain(|id| self.open.contains_key(id));
        }
    }

    /// Notes what is known of an execution now, and lets go of it where it has ended.
    fn settle(&mut self, id: ExecutionId) {
        let (Some(entry), Some(lifecycle)) = (self.entries.get_mut(&id), self.open.get(&id)) else {
            return;
        };
        let execution = lifecycle.execution();
        entry.attempts = u32::try_from(execution.attempts.len()).unwrap_or(u32::MAX);
        let Some(end) = execution.end() else { return };
        entry.ended = true;
        entry.died = end.outcome.name() == "system_error";
        entry.output =
            execution
                .recorded_attempt()
                .zip(end.output.as_ref())
                .map(|(attempt, summary)| Output {
                    attempt,
                    last_sequence: summary.last_sequence,
                    summary: digest::of_value(summary),
                    chunks: None,
                });
        self.close(id);
    }

    /// Lets go of an execution; its row as it is now stays known.
    fn close(&mut self, id: ExecutionId) {
        if let Some(lifecycle) = self.open.remove(&id)
            && let Some(entry) = self.entries.get_mut(&id)
            && !self.passed
        {
            entry.row = Some(Line::of(entry.first, lifecycle.execution()).digest());
        }
    }

    /// From here on, events are behind the checkpoint: rows are what they are now.
    pub(crate) fn pass_checkpoint(&mut self) {
        if std::mem::replace(&mut self.passed, true) {
            return;
        }
        for (id, lifecycle) in &self.open {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.row = Some(Line::of(entry.first, lifecycle.execution()).digest());
            }
        }
    }
}

impl Entry {
    const fn reach(&mut self, sequence: u64, passed: bool) {
        self.last = sequence;
        if !passed {
            self.folded = sequence;
        }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;

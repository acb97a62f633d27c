//! The facts about an execution.

use serde::{Deserialize, Serialize};

use crate::{Measurements, Outcome, OutputSummary, Submission};

/// A fact about one execution. Written once, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionEvent {
    /// When its writer wrote it, in milliseconds since 1970. For people; never for order.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
}

/// What an [`ExecutionEvent`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// It was accepted. The only event on `submit.{language}.{priority}.{id}`; all others stand
    /// on `status.{id}`.
    Submitted {
        /// All of what was asked.
        submission: Box<Submission>,
    },
    /// A worker began an attempt. From here on it alone may write the end of that attempt.
    Started {
        /// Which attempt, from 1.
        attempt: u32,
        /// The worker's name.
        worker: String,
    },
    /// An attempt failed through our fault, and there will be another.
    Retried {
        /// The attempt that failed.
        attempt: u32,
        /// What failed, in words.
        reason: String,
        /// The next attempt starts no sooner, in milliseconds since 1970.
        not_before_ms: u64,
        /// Whether nothing failed: the worker was told to stop and gave the attempt back. Such an
        /// attempt does not count towards [`crate::MAX_ATTEMPTS`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        handed_back: bool,
    },
    /// Somebody asked to end a run; its worker writes the end.
    CancelRequested,
    /// It was cancelled before it ran. Terminal.
    Cancelled,
    /// An attempt ended, and the execution with it. Terminal.
    Finished {
        /// Which attempt.
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
        /// What it used.
        measurements: Box<Measurements>,
        /// What its output comes to.
        output: Box<OutputSummary>,
    },
    /// It waited longer in the queue than its limit. Terminal.
    Expired,
    /// We gave up after the last attempt. Terminal.
    Dead {
        /// The attempt that failed last.
        attempt: u32,
        /// What failed, in words.
        reason: String,
        /// What its output comes to.
        output: Box<OutputSummary>,
    },
}

impl Change {
    /// The event's name, as on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Started { .. } => "started",
            Self::Retried { .. } => "retried",
            Self::CancelRequested => "cancel_requested",
            Self::Cancelled => "cancelled",
            Self::Finished { .. } => "finished",
            Self::Expired => "expired",
            Self::Dead { .. } => "dead",
        }
    }
}

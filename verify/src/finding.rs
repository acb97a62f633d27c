//! What is wrong, and where.

use runlog_schemas::ExecutionId;
use serde::Serialize;

/// What must hold, each by the name under which its violation is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The sequences of a stream have no gaps.
    Gap,
    /// Every message can be read.
    Unreadable,
    /// Every message stands on a subject of ours.
    UnknownSubject,
    /// An id is submitted once.
    SubmittedTwice,
    /// Whatever happens to an execution happens behind its submission.
    NoSubmission,
    /// The terminal event is the last one, and there is one.
    AfterTheEnd,
    /// Every event fits the state that it was appended to: a stale worker changed nothing.
    NoEffect,
    /// Attempts are at most the limit.
    TooManyAttempts,
    /// Nothing stands in the log of a program that was never started.
    RanWithoutStart,
    /// The chunks of a recording are numbered without gaps.
    ChunkGap,
    /// The log has the whole output that a terminal event names, with its lengths and hashes.
    Output,
    /// Every submission ends; checked only where nothing is under way.
    NotEnded,
    /// The read model is not ahead of the log.
    Checkpoint,
    /// The read model has a row for every execution.
    RowMissing,
    /// The read model has no row that the log knows nothing of.
    RowExtra,
    /// A row is the fold of its events.
    Row,
    /// The read model keeps every submission, byte for byte.
    Submission,
    /// The read model keeps the recording of whatever ended, and it is the log's output.
    Recording,
    /// Whatever was given up has a dead letter that says so, and nothing else has.
    DeadLetter,
    /// The read model keeps every snippet, byte for byte.
    Snippet,
}

impl Rule {
    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Unreadable => "unreadable",
            Self::UnknownSubject => "unknown_subject",
            Self::SubmittedTwice => "submitted_twice",
            Self::NoSubmission => "no_submission",
            Self::AfterTheEnd => "after_the_end",
            Self::NoEffect => "no_effect",
            Self::TooManyAttempts => "too_many_attempts",
            Self::RanWithoutStart => "ran_without_start",
            Self::ChunkGap => "chunk_gap",
            Self::Output => "output",
            Self::NotEnded => "not_ended",
            Self::Checkpoint => "checkpoint",
            Self::RowMissing => "row_missing",
            Self::RowExtra => "row_extra",
            Self::Row => "row",
            Self::Submission => "submission",
            Self::Recording => "recording",
            Self::DeadLetter => "dead_letter",
            Self::Snippet => "snippet",
        }
    }
}

/// A rule of one execution that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// What is wrong, in words.
    pub words: String,
}

impl Violation {
    pub(crate) fn of(rule: Rule, words: impl Into<String>) -> Self {
        Self {
            rule,
            words: words.into(),
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that does not hold.
    pub rule: Rule,
    /// The stream or the table where it shows.
    pub place: &'static str,
    /// The sequence in that stream, where it is about one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The execution, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionId>,
    /// What is wrong, in words.
    pub words: String,
}

impl Finding {
    pub(crate) fn new(rule: Rule, place: &'static str, words: impl Into<String>) -> Self {
        Self {
            rule,
            place,
            sequence: None,
            execution: None,
            words: words.into(),
        }
    }

    pub(crate) fn from_violation(violation: Violation, place: &'static str) -> Self {
        Self::new(violation.rule, place, violation.words)
    }

    pub(crate) const fn at(mut self, sequence: u64) -> Self {
        self.sequence = Some(sequence);
        self
    }

    pub(crate) const fn of(mut self, execution: ExecutionId) -> Self {
        self.execution = Some(execution);
        self
    }
}

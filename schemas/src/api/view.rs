//! What an edge answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Chunk, Execution, ExecutionId, Limits, Measurements, Outcome, OutputSummary, Priority, Repeats,
    State, TerminalSize,
};

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It ended; `outcome` says how.
    Ended,
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionView {
    /// Its id.
    pub id: ExecutionId,
    /// Where it stands.
    pub status: Status,
    /// Whether its end was asked for.
    pub cancelling: bool,
    /// The language's id.
    pub language: String,
    /// The queue.
    pub priority: Priority,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// The exact version of the toolchain that has to run it, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain_version: Option<String>,
    /// The execution that this one ran again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<ExecutionId>,
    /// The dead letter that this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<ExecutionId>,
    /// The execution that tries this one again, which was given up. Only told of a single
    /// execution, not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<ExecutionId>,
    /// The file that it starts with.
    pub entry: String,
    /// Whether its standard input is open for viewers.
    pub interactive: bool,
    /// The size that its terminal had at the start, where it has one.
    pub terminal: Option<TerminalSize>,
    /// What it may use.
    pub limits: Limits,
    /// When it was accepted, in milliseconds since 1970.
    pub submitted_at_ms: u64,
    /// When its last attempt began, in milliseconds since 1970.
    pub started_at_ms: Option<u64>,
    /// When it ended, in milliseconds since 1970.
    pub ended_at_ms: Option<u64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The outcome's short code, E001 to E006, where it has one.
    pub code: Option<String>,
    /// What it used.
    pub measurements: Option<Measurements>,
    /// What its output comes to.
    pub output: Option<OutputSummary>,
    /// Its attempts, the first in front.
    pub attempts: Vec<AttemptView>,
    /// Where more is to be had.
    pub links: Links,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number, from 1.
    pub number: u32,
    /// The worker's name.
    pub worker: String,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Why it did not come to an end, where that is so.
    pub failure: Option<String>,
    /// Whether its worker was told to stop and gave it back, so that it counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handed_back: bool,
}

/// Paths of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Links {
    /// The execution.
    #[serde(rename = "self")]
    pub this: String,
    /// Its events, live, over SSE.
    pub events: String,
    /// The same over a WebSocket.
    pub ws: String,
    /// Its output.
    pub output: String,
    /// Its recording.
    pub recording: String,
    /// The files that it gives back.
    pub files: String,
    /// Where to cancel it.
    pub cancel: String,
}

impl Links {
    /// The paths of an execution.
    #[must_use]
    pub fn of(id: ExecutionId) -> Self {
        let this = format!("/v1/executions/{id}");
        Self {
            events: format!("{this}/events"),
            ws: format!("{this}/ws"),
            output: format!("{this}/output"),
            recording: format!("{this}/recording"),
            files: format!("{this}/files"),
            cancel: format!("{this}/cancel"),
            this,
        }
    }
}

impl ExecutionView {
    /// An execution as users see it; `None` where its submission is not known.
    #[must_use]
    pub fn of(id: ExecutionId, execution: &Execution) -> Option<Self> {
        let origin = execution.origin.clone()?;
        let end = execution.end();
        let (status, cancelling) = match execution.state {
            State::Absent => return None,
            State::Queued { .. } => (Status::Queued, false),
            State::Running { cancelling, .. } => (Status::Running, cancelling),
            State::Ended(_) => (Status::Ended, false),
        };
        let (rerun_of, redrive_of) = match origin.repeats {
            Some(Repeats::Rerun { of }) => (Some(of), None),
            Some(Repeats::Redrive { of }) => (None, Some(of)),
            None => (None, None),
        };
        Some(Self {
            id,
            status,
            cancelling,
            toolchain_version: origin.toolchain_version,
            rerun_of,
            redrive_of,
            redriven_as: None,
            language: origin.language,
            priority: origin.priority,
            session: origin.session,
            entry: origin.entry,
            interactive: origin.interactive,
            terminal: origin.terminal,
            limits: origin.limits,
            submitted_at_ms: origin.submitted_at_ms,
            started_at_ms: execution
                .attempts
                .last()
                .map(|attempt| attempt.started_at_ms),
            ended_at_ms: end.map(|end| end.at_ms),
            outcome: end.map(|end| end.outcome.clone()),
            code: end.and_then(|end| end.outcome.code()).map(str::to_owned),
            measurements: end.and_then(|end| end.measurements.clone()),
            output: end.and_then(|end| end.output.clone()),
            attempts: execution
                .attempts
                .iter()
                .map(|attempt| AttemptView {
                    number: attempt.number,
                    worker: attempt.worker.clone(),
                    started_at_ms: attempt.started_at_ms,
                    failure: attempt.failure.clone(),
                    handed_back: attempt.handed_back,
                })
                .collect(),
            links: Links::of(id),
        })
    }
}

/// The answer to an accepted submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The new execution's id.
    pub id: ExecutionId,
    /// Where it is to be found.
    pub links: Links,
}

/// The answer to a submission that was waited for until its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Completed {
    /// The execution, which has ended.
    pub execution: ExecutionView,
    /// What it wrote.
    pub output: OutputView,
}

/// The answer to a batch: one item for each program, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchReply {
    /// One for each program.
    pub executions: Vec<BatchItem>,
}

/// What became of one program of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchItem {
    /// It is in the log.
    Accepted(Accepted),
    /// It is not.
    Refused(Problem),
}

/// A page of the history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionPage {
    /// The executions.
    pub executions: Vec<ExecutionView>,
    /// Give it back as `after` for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// What a program wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputView {
    /// The execution's id.
    pub id: ExecutionId,
    /// The attempt that it is of; 0 before the first.
    pub attempt: u32,
    /// Whether the execution has ended, so that nothing will be added.
    pub complete: bool,
    /// What the compiler wrote.
    pub compiler: StreamText,
    /// What the program wrote on standard output, or on its terminal.
    pub stdout: StreamText,
    /// What the program wrote on standard error.
    pub stderr: StreamText,
    /// Whether output was cut off at the limit.
    pub cut: bool,
}

/// One stream's bytes: `text` where they are UTF-8, `base64` where they are not.
pub type StreamText = crate::Data;

/// A recording: what happened while an execution ran, with its timing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordingView {
    /// The execution.
    pub execution: ExecutionView,
    /// The attempt that it is of; 0 before the first.
    pub attempt: u32,
    /// Whether the execution has ended, so that nothing will be added.
    pub complete: bool,
    /// What happened, in order.
    pub chunks: Vec<Chunk>,
}

/// What went wrong, as a problem document (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`; `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable name for the problem, for example `unknown_language`.
    pub code: String,
    /// A sentence about this case.
    pub detail: String,
    /// The request's id, also in the header `X-Request-Id`.
    pub request_id: String,
    /// What is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
    /// The outcome of an execution that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// The field, as a path: `limits.wall_ms`, `files[0].name`.
    pub field: String,
    /// What came, shortened.
    pub given: String,
    /// What is allowed.
    pub allowed: String,
}

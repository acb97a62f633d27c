//! What can go wrong while a request is answered, and the one place that knows how to say it in HTTP.

use runlog_schemas::api::{FieldProblem, Problem};
use runlog_schemas::{ExecutionId, MalformedId, MalformedSnippetId, Outcome};
use warp::http::StatusCode;

/// Seconds after which somebody who was sent away because the log is away may come back.
const LOG_RETRY_SECONDS: u64 = 2;
/// The same for a log that is full.
const LOG_FULL_RETRY_SECONDS: u64 = 30;
/// The same where this edge is older than what it reads, and is about to be replaced.
const LOG_NEWER_RETRY_SECONDS: u64 = 5;
/// The same for the history.
const HISTORY_RETRY_SECONDS: u64 = 5;

/// The cause of an error, kept for our own log and never sent.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdgeError {
    /// The id in the path is none.
    #[error(transparent)]
    MalformedId(#[from] MalformedId),
    /// The snippet's id in the path is none.
    #[error(transparent)]
    MalformedSnippetId(#[from] MalformedSnippetId),
    /// Neither the log nor the history knows it.
    #[error("there is no execution with this id")]
    NoSuchExecution,
    /// The execution gave no such file back.
    #[error("there is no file of this name")]
    NoSuchFile,
    /// Neither the log nor the read model knows it.
    #[error("there is no snippet with this id")]
    NoSuchSnippet,
    /// There is no dead letter of this execution.
    #[error("there is no dead letter of this execution")]
    NoSuchLetter,
    /// What was submitted is kept nowhere any more.
    #[error("what was submitted as this execution is no longer kept")]
    SubmissionGone,
    /// No route has this path.
    #[error("nothing is to be found at {path}")]
    NoSuchPath {
        /// The path.
        path: String,
    },
    /// The path has no such method.
    #[error("{method} is not possible here; possible: {allow}")]
    MethodNotAllowed {
        /// The method.
        method: String,
        /// The methods that it has, as in the header `Allow`.
        allow: &'static str,
    },
    /// The body is not declared to be JSON.
    #[error("the body must be application/json, not {given}")]
    NotJson {
        /// What it is declared to be.
        given: String,
    },
    /// The body is larger than allowed.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The body did not come, or not in time.
    #[error("the body did not arrive completely")]
    BodyIncomplete,
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    MalformedJson(String),
    /// Fields of the query make no sense.
    #[error("the query has a parameter that makes no sense")]
    InvalidQuery(Vec<FieldProblem>),
    /// Fields of the body make no sense.
    #[error("the request has a field that makes no sense")]
    InvalidRequest(Vec<FieldProblem>),
    /// The only thing wrong is the language, which does not exist.
    #[error("the language {given:?} is unknown")]
    UnknownLanguage {
        /// What was asked for.
        given: String,
        /// The field.
        field: Box<FieldProblem>,
    },
    /// The language's toolchain is missing.
    #[error("the language {language} is not available: {reason}")]
    LanguageUnavailable {
        /// The language's id.
        language: String,
        /// Why.
        reason: String,
    },
    /// No worker has said yet whether it has the language.
    #[error("no worker has reported the language {language} yet")]
    LanguageNotReported {
        /// The language's id.
        language: String,
    },
    /// It ended before.
    #[error("the execution has already ended: {}", .0.name())]
    AlreadyEnded(Outcome),
    /// It ended, and what it wrote is kept nowhere any more.
    #[error("what this execution wrote is no longer kept")]
    OutputGone,
    /// It ended, and what it wrote was kept in the object store, which has lost it.
    #[error("what this execution wrote was large, and the object store no longer has it")]
    OutputLost,
    /// A WebSocket was expected.
    #[error("this path speaks WebSocket only; over HTTP the same is at …/events")]
    NotAWebSocket,
    /// A header cannot be read.
    #[error("a header makes no sense: {0}")]
    InvalidHeader(String),
    /// The idempotency key is none.
    #[error("the header Idempotency-Key makes no sense")]
    InvalidKey(Box<FieldProblem>),
    /// The idempotency key stands for another request.
    #[error("the idempotency key was used for another request, which became {became}")]
    KeyReused {
        /// What it stands for.
        became: String,
    },
    /// A web page from elsewhere, which is not among the allowed origins.
    #[error("pages of {origin} may not use this edge")]
    ForeignOrigin {
        /// Where the page is from.
        origin: String,
    },
    /// The log holds so much that it takes no more submissions.
    #[error("the log is full and takes no more submissions at the moment")]
    LogFull(#[source] Cause),
    /// As many wait in the queue as may.
    #[error("the queue {queue} is full: {waiting} wait in it")]
    QueueFull {
        /// Language and priority.
        queue: String,
        /// How many wait.
        waiting: u64,
        /// After how many seconds there should be room, at the rate at which it is worked off.
        retry_after_s: u64,
    },
    /// As many of the session wait as may.
    #[error("the session {session} has {waiting} waiting in this queue, which is its share of it")]
    SessionQueueFull {
        /// The session.
        session: String,
        /// How many of it wait.
        waiting: u64,
        /// After how many seconds there should be room.
        retry_after_s: u64,
    },
    /// The log did not answer, so the submission may be in it or not.
    #[error("the log did not answer, so it is unknown whether execution {id} was accepted")]
    Unclear {
        /// The id that it has if it was.
        id: ExecutionId,
        /// What the log said.
        #[source]
        source: Cause,
    },
    /// The log cannot be reached, or does not answer.
    #[error("the log cannot be reached at the moment")]
    LogUnavailable(#[source] Cause),
    /// The log holds something that a newer Runlog wrote. An edge of that version can tell.
    #[error("a newer version wrote something about this that this edge cannot read yet")]
    LogNewer(#[source] Cause),
    /// The history cannot be reached, or does not answer.
    #[error("the history cannot be reached at the moment")]
    HistoryUnavailable(#[source] Cause),
    /// This edge ends.
    #[error("this edge is about to stop")]
    Draining,
    /// The log or the history hold something that cannot be, or our own code broke.
    #[error("something is broken on our side; the request id helps to find it")]
    Broken(#[source] Cause),
}

impl EdgeError {
    /// The only place that knows both our errors and HTTP.
    #[must_use]
    pub(crate) const fn status_and_code(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::MalformedId(_) | Self::MalformedSnippetId(_) => (S::BAD_REQUEST, "malformed_id"),
            Self::NoSuchExecution => (S::NOT_FOUND, "no_such_execution"),
            Self::NoSuchFile => (S::NOT_FOUND, "no_such_file"),
            Self::NoSuchSnippet => (S::NOT_FOUND, "no_such_snippet"),
            Self::NoSuchLetter => (S::NOT_FOUND, "no_such_dead_letter"),
            Self::SubmissionGone => (S::GONE, "submission_gone"),
            Self::NoSuchPath { .. } => (S::NOT_FOUND, "no_such_path"),
            Self::MethodNotAllowed { .. } => (S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NotJson { .. } => (S::UNSUPPORTED_MEDIA_TYPE, "not_json"),
            Self::BodyTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyIncomplete => (S::REQUEST_TIMEOUT, "body_incomplete"),
            Self::MalformedJson(_) => (S::BAD_REQUEST, "malformed_json"),
            Self::InvalidQuery(_) => (S::BAD_REQUEST, "invalid_query"),
            Self::InvalidRequest(_) => (S::UNPROCESSABLE_ENTITY, "invalid_request"),
            Self::UnknownLanguage { .. } => (S::UNPROCESSABLE_ENTITY, "unknown_language"),
            Self::LanguageUnavailable { .. } => (S::UNPROCESSABLE_ENTITY, "language_unavailable"),
            Self::LanguageNotReported { .. } => (S::SERVICE_UNAVAILABLE, "language_not_reported"),
            Self::AlreadyEnded(_) => (S::CONFLICT, "already_ended"),
            Self::OutputGone | Self::OutputLost => (S::GONE, "output_gone"),
            Self::NotAWebSocket => (S::UPGRADE_REQUIRED, "not_a_websocket"),
            Self::InvalidKey(_) => (S::BAD_REQUEST, "invalid_idempotency_key"),
            Self::KeyReused { .. } => (S::CONFLICT, "idempotency_key_reused"),
            Self::InvalidHeader(_) => (S::BAD_REQUEST, "invalid_header"),
            Self::ForeignOrigin { .. } => (S::FORBIDDEN, "foreign_origin"),
            Self::LogUnavailable(_) => (S::SERVICE_UNAVAILABLE, "log_unavailable"),
            Self::LogNewer(_) => (S::SERVICE_UNAVAILABLE, "log_newer"),
            Self::LogFull(_) => (S::SERVICE_UNAVAILABLE, "log_full"),
            Self::QueueFull { .. } => (S::SERVICE_UNAVAILABLE, "queue_full"),
            Self::SessionQueueFull { .. } => (S::TOO_MANY_REQUESTS, "session_queue_full"),
            Self::Unclear { .. } => (S::SERVICE_UNAVAILABLE, "unclear"),
            Self::HistoryUnavailable(_) => (S::SERVICE_UNAVAILABLE, "history_unavailable"),
            Self::Draining => (S::SERVICE_UNAVAILABLE, "draining"),
            Self::Broken(_) => (S::INTERNAL_SERVER_ERROR, "broken"),
        }
    }

    /// Seconds after which it makes sense to ask again, where it does.
    #[must_use]
    pub(crate) const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::LogUnavailable(_)
            | Self::Unclear { .. }
            | Self::LanguageNotReported { .. }
            | Self::Draining => Some(LOG_RETRY_SECONDS),
            Self::QueueFull { retry_after_s, .. }
            | Self::SessionQueueFull { retry_after_s, .. } => Some(*retry_after_s),
            Self::LogNewer(_) => Some(LOG_NEWER_RETRY_SECONDS),
            Self::LogFull(_) => Some(LOG_FULL_RETRY_SECONDS),
            Self::HistoryUnavailable(_) => Some(HISTORY_RETRY_SECONDS),
            _ => None,
        }
    }

    /// The problem as users see it, but for the request's id.
    #[must_use]
    pub(crate) fn problem(&self) -> Problem {
        let (status, code) = self.status_and_code();
        Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: self.to_string(),
            request_id: String::new(),
            fields: self.fields(),
            outcome: match self {
                Self::AlreadyEnded(outcome) => Some(outcome.clone()),
                _ => None,
            },
        }
    }

    fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::InvalidQuery(fields) | Self::InvalidRequest(fields) => fields.clone(),
            Self::InvalidKey(field) => vec![(**field).clone()],
            Self::UnknownLanguage { field, .. } => vec![(**field).clone()],
            Self::LanguageUnavailable { language, reason } => vec![FieldProblem {
                field: "language".to_owned(),
                given: language.clone(),
                allowed: format!("a language whose toolchain is installed ({reason})"),
            }],
            Self::BodyTooLarge { limit } => vec![FieldProblem {
                field: "body".to_owned(),
                given: format!("more than {limit} bytes"),
                allowed: format!("at most {limit} bytes"),
            }],
            _ => Vec::new(),
        }
    }
}

//! What the row of an execution must say.

use postgres_types::Json;
use runlog_schemas::{Execution, ExecutionId, Outcome, State};
use serde::Serialize;
use tokio_postgres::Row;

use crate::digest::{self, Digest};

/// The columns, in the order of [`Line::read`].
pub(crate) const COLUMNS: [&str; 15] = [
    "id",
    "session",
    "language",
    "priority",
    "state",
    "outcome",
    "exit_code",
    "attempts",
    "submitted_at_ms",
    "started_at_ms",
    "ended_at_ms",
    "queue_deadline_ms",
    "first_sequence",
    "last_sequence",
    "execution",
];

/// A row of `executions`, but for its id and its last sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    session: Option<String>,
    language: String,
    priority: String,
    state: String,
    outcome: Option<String>,
    exit_code: Option<i32>,
    attempts: i32,
    submitted_at_ms: i64,
    started_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    queue_deadline_ms: Option<i64>,
    pub(crate) first_sequence: i64,
    execution: Execution,
}

/// A row as it was found.
pub(crate) struct Found {
    pub(crate) id: ExecutionId,
    pub(crate) last_sequence: u64,
    pub(crate) line: Line,
}

impl Line {
    /// The row that the fold of an execution must have.
    pub(crate) fn of(first_sequence: u64, execution: &Execution) -> Self {
        let origin = execution.origin.as_ref();
        let end = execution.end();
        let submitted_at_ms = origin.map_or(0, |it| it.submitted_at_ms);
        let queue_limit_ms = origin.map_or(0, |it| it.queue_limit_ms);
        let (state, waits_since_ms) = match &execution.state {
            State::Absent => ("absent", None),
            State::Queued { not_before_ms, .. } => {
                ("queued", Some(not_before_ms.unwrap_or(submitted_at_ms)))
            }
            State::Running { .. } => ("running", None),
            State::Ended(_) => ("ended", None),
        };
        Self {
            // PostgreSQL has no NUL in texts.
            session: origin.and_then(|it| it.session.as_deref()).map(storable),
            language: origin.map(|it| storable(&it.language)).unwrap_or_default(),
            priority: origin.map_or("", |it| it.priority.name()).to_owned(),
            state: state.to_owned(),
            outcome: end.map(|it| it.outcome.name().to_owned()),
            exit_code: end.and_then(|it| match it.outcome {
                Outcome::Exited { code } => Some(code),
                _ => None,
            }),
            attempts: i32::try_from(execution.attempts.len()).unwrap_or(i32::MAX),
            submitted_at_ms: signed(submitted_at_ms),
            started_at_ms: execution.attempts.last().map(|it| signed(it.started_at_ms)),
            ended_at_ms: end.map(|it| signed(it.at_ms)),
            queue_deadline_ms: waits_since_ms.map(|it| signed(it.saturating_add(queue_limit_ms))),
            first_sequence: signed(first_sequence),
            execution: execution.clone(),
        }
    }

    /// Reads [`COLUMNS`].
    pub(crate) fn read(row: &Row) -> Result<Found, tokio_postgres::Error> {
        let Json(execution) = row.try_get::<_, Json<Execution>>(14)?;
        Ok(Found {
            id: ExecutionId::from_uuid(row.try_get(0)?),
            last_sequence: unsigned(row.try_get(13)?),
            line: Self {
                session: row.try_get(1)?,
                language: row.try_get(2)?,
                priority: row.try_get(3)?,
                state: row.try_get(4)?,
                outcome: row.try_get(5)?,
                exit_code: row.try_get(6)?,
                attempts: row.try_get(7)?,
                submitted_at_ms: row.try_get(8)?,
                started_at_ms: row.try_get(9)?,
                ended_at_ms: row.try_get(10)?,
                queue_deadline_ms: row.try_get(11)?,
                first_sequence: row.try_get(12)?,
                execution,
            },
        })
    }

    pub(crate) fn digest(&self) -> Digest {
        digest::of_value(self)
    }

    /// The first column that differs, in words.
    pub(crate) fn difference(&self, log: &Self) -> Option<String> {
        let as_fields = |line: &Self| match serde_json::to_value(line) {
            Ok(serde_json::Value::Object(fields)) => fields,
            Ok(_) | Err(_) => serde_json::Map::new(),
        };
        let (here, there) = (as_fields(self), as_fields(log));
        here.iter().find_map(|(name, value)| {
            let expected = there.get(name)?;
            (value != expected).then(|| format!("{name} is {value}, the log says {expected}"))
        })
    }
}

fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

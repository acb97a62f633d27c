//! One execution as it stands in the table `executions`.

use postgres_types::{Json, ToSql};
use runlog_schemas::{Execution, ExecutionId, Outcome, State};
use uuid::Uuid;

/// An execution, folded, and where in the log its events stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The sequence of the event that accepted it.
    pub first_sequence: u64,
    /// The sequence of its last event, whether or not that changed it.
    pub last_sequence: u64,
    /// What its events add up to.
    pub execution: Execution,
}

/// When the execution expires if no worker takes it, in milliseconds since 1970. A retry has the
/// whole limit once more: its time in the queue begins anew.
pub(crate) fn queue_deadline_ms(execution: &Execution) -> Option<u64> {
    let origin = execution.origin.as_ref()?;
    match &execution.state {
        State::Queued { not_before_ms, .. } => {
            let since = not_before_ms.unwrap_or(origin.submitted_at_ms);
            Some(since.saturating_add(origin.queue_limit_ms))
        }
        State::Absent | State::Running { .. } | State::Ended(_) => None,
    }
}

/// The columns of `executions`, one array each, in the order of [`UPSERT`].
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    ids: Vec<Uuid>,
    sessions: Vec<Option<String>>,
    languages: Vec<String>,
    priorities: Vec<&'static str>,
    states: Vec<&'static str>,
    outcomes: Vec<Option<&'static str>>,
    exit_codes: Vec<Option<i32>>,
    attempts: Vec<i32>,
    submitted_at_ms: Vec<i64>,
    started_at_ms: Vec<Option<i64>>,
    ended_at_ms: Vec<Option<i64>>,
    queue_deadlines_ms: Vec<Option<i64>>,
    first_sequences: Vec<i64>,
    last_sequences: Vec<i64>,
    executions: Vec<Json<&'a Execution>>,
}

/// Writes [`Columns`]. A row that is ahead of what is written stays as it is.
pub(crate) const UPSERT: &str = "
    INSERT INTO executions AS present (
        id, session, language, priority, state, outcome, exit_code, attempts, submitted_at_ms,
        started_at_ms, ended_at_ms, queue_deadline_ms, first_sequence, last_sequence, execution)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
        $8::integer[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
        $14::bigint[], $15::json[])
    ON CONFLICT (id) DO UPDATE SET
        session = EXCLUDED.session,
        language = EXCLUDED.language,
        priority = EXCLUDED.priority,
        state = EXCLUDED.state,
        outcome = EXCLUDED.outcome,
        exit_code = EXCLUDED.exit_code,
        attempts = EXCLUDED.attempts,
        submitted_at_ms = EXCLUDED.submitted_at_ms,
        started_at_ms = EXCLUDED.started_at_ms,
        ended_at_ms = EXCLUDED.ended_at_ms,
        queue_deadline_ms = EXCLUDED.queue_deadline_ms,
        first_sequence = EXCLUDED.first_sequence,
        last_sequence = EXCLUDED.last_sequence,
        execution = EXCLUDED.execution
    WHERE present.last_sequence < EXCLUDED.last_sequence";

impl<'a> Columns<'a> {
    /// The columns of rows whose submission is known. Total: whatever stands in the log can be
    /// written.
    pub(crate) fn of(rows: &'a [(ExecutionId, Row)]) -> Self {
        let mut columns = Self::default();
        for (id, row) in rows {
            columns.push(*id, row);
        }
        columns
    }

    /// How many rows.
    pub(crate) const fn len(&self) -> usize {
        self.ids.len()
    }

    /// For [`UPSERT`].
    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 15] {
        [
            &self.ids,
            &self.sessions,
            &self.languages,
            &self.priorities,
            &self.states,
            &self.outcomes,
            &self.exit_codes,
            &self.attempts,
            &self.submitted_at_ms,
            &self.started_at_ms,
            &self.ended_at_ms,
            &self.queue_deadlines_ms,
            &self.first_sequences,
            &self.last_sequences,
            &self.executions,
        ]
    }

    fn push(&mut self, id: ExecutionId, row: &'a Row) {
        let execution = &row.execution;
        let Some(origin) = &execution.origin else {
            return;
        };
        let end = execution.end();
        let started_at_ms = execution.attempts.last().map(|last| last.started_at_ms);
        self.ids.push(id.as_uuid());
        self.sessions.push(origin.session.as_deref().map(text));
        self.languages.push(text(&origin.language));
        self.priorities.push(origin.priority.name());
        self.states.push(state_name(&execution.state));
        self.outcomes.push(end.map(|end| end.outcome.name()));
        self.exit_codes.push(end.and_then(|end| match end.outcome {
            Outcome::Exited { code } => Some(code),
            _ => None,
        }));
        self.attempts
            .push(i32::try_from(execution.attempts.len()).unwrap_or(i32::MAX));
        self.submitted_at_ms.push(bigint(origin.submitted_at_ms));
        self.started_at_ms.push(started_at_ms.map(bigint));
        self.ended_at_ms.push(end.map(|end| bigint(end.at_ms)));
        self.queue_deadlines_ms
            .push(queue_deadline_ms(execution).map(bigint));
        self.first_sequences.push(bigint(row.first_sequence));
        self.last_sequences.push(bigint(row.last_sequence));
        self.executions.push(Json(execution));
    }
}

const fn state_name(state: &State) -> &'static str {
    match state {
        State::Absent => "absent",
        State::Queued { .. } => "queued",
        State::Running { .. } => "running",
        State::Ended(_) => "ended",
    }
}

/// PostgreSQL has no NUL in texts. The exact text stands in the execution.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// PostgreSQL has no unsigned numbers.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

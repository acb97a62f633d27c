//! What a batch of events does to the rows. Pure: no clock, no I/O.

use std::collections::HashMap;

use runlog_nats::Recorded;
use runlog_schemas::{Change, Execution, ExecutionEvent, ExecutionId, State, fold};

use crate::row::Row;

/// Everything that one transaction has to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan<'a> {
    /// The batch covers the range `(from, to]` of the log.
    pub from: u64,
    /// See `from`.
    pub to: u64,
    /// One row for each execution that the batch is about, by id, so that all writers lock in
    /// one order. Executions whose submission is not known have none.
    pub rows: Vec<(ExecutionId, Row)>,
    /// The submissions among the events.
    pub submissions: Vec<(ExecutionId, &'a ExecutionEvent)>,
    /// Ids that an idempotency key has used anew, after the log had dropped what it named before.
    pub reborn: Vec<ExecutionId>,
    /// The executions that end with an attempt that ran to its end: their recording is due.
    pub recordings: Vec<ExecutionId>,
    /// How many events changed nothing.
    pub ignored: usize,
}

/// An event that stands at or before one that was planned already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log gave sequence {got} after {last}")]
pub struct OutOfOrder {
    /// The sequence before.
    pub last: u64,
    /// The sequence that came.
    pub got: u64,
}

/// Folds events into the rows that they change. `rows` are the present rows of the executions
/// named in `events`, read in the transaction that writes the plan.
///
/// A row may be ahead of the checkpoint, where a rebuild copied it: it has folded the events up to
/// its last sequence already.
///
/// # Errors
/// When the events are not strictly behind the checkpoint and each other.
pub fn plan<'a>(
    checkpoint: u64,
    mut rows: HashMap<ExecutionId, Row>,
    events: &'a [Recorded],
) -> Result<Plan<'a>, OutOfOrder> {
    let mut plan = Plan {
        from: checkpoint,
        to: checkpoint,
        ..Plan::default()
    };
    for recorded in events {
        if recorded.sequence <= plan.to {
            return Err(OutOfOrder {
                last: plan.to,
                got: recorded.sequence,
            });
        }
        plan.to = recorded.sequence;
        let row = rows.entry(recorded.id).or_default();
        if recorded.sequence <= row.last_sequence {
            continue;
        }
        plan.take(row, recorded);
    }
    plan.rows = rows
        .into_iter()
        .filter(|(_, row)| is_known(&row.execution))
        .collect();
    plan.rows.sort_unstable_by_key(|(id, _)| *id);
    Ok(plan)
}

impl<'a> Plan<'a> {
    fn take(&mut self, row: &mut Row, recorded: &'a Recorded) {
        if begins_anew(&row.execution, &recorded.event) {
            *row = Row::default();
            self.reborn.push(recorded.id);
            self.submissions.retain(|(id, _)| *id != recorded.id);
        }
        let before = row.execution.clone();
        row.execution = fold(std::mem::take(&mut row.execution), &recorded.event);
        row.last_sequence = recorded.sequence;
        if row.execution == before {
            self.ignored += 1;
        }
        if !is_known(&before) && is_known(&row.execution) {
            row.first_sequence = recorded.sequence;
            self.submissions.push((recorded.id, &recorded.event));
        }
        if !has_recording(&before) && has_recording(&row.execution) {
            self.recordings.push(recorded.id);
        }
    }
}

/// The log takes a submission under an id only where it has none, so a second one says that the
/// first has left it: the same idempotency key was used again, long after.
fn begins_anew(execution: &Execution, event: &ExecutionEvent) -> bool {
    execution.end().is_some() && matches!(event.change, Change::Submitted { .. })
}

fn is_known(execution: &Execution) -> bool {
    execution.state != State::Absent
}

fn has_recording(execution: &Execution) -> bool {
    execution.end().is_some_and(|end| end.output.is_some())
}

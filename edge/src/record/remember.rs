//! Tells the events of an execution again, from what they added up to.

use runlog_schemas::{Attempt, Change, Cursor, End, Execution, ExecutionEvent, Outcome};

/// Above this, a number of the lifecycle counts events as they are told again. Their sequences in
/// the log, which stay far below, are not kept; a viewer who goes on elsewhere from a number that
/// only looks like one would miss events, or be told some twice.
const RETOLD: u64 = 1 << 62;

/// Whether a viewer was there in what was told again.
pub(crate) const fn is_retold(place: Cursor) -> bool {
    place.status > RETOLD
}

/// Events that fold to the execution, numbered above [`RETOLD`]. A few that made no difference in
/// the end, such as requests to cancel, are not told. The same execution, once it has ended, is
/// always told in the same way.
pub(crate) fn lifecycle(
    submitted: ExecutionEvent,
    execution: &Execution,
) -> Vec<(u64, ExecutionEvent)> {
    let mut events = vec![submitted];
    let terminal = execution
        .end()
        .map(|end| at(end.at_ms, terminal(execution, end)));
    for attempt in &execution.attempts {
        let change = Change::Started {
            attempt: attempt.number,
            worker: attempt.worker.clone(),
        };
        events.push(at(attempt.started_at_ms, change));
        // The failure of a last attempt that made it dead is told by that event itself.
        let dead = matches!(
            &terminal,
            Some(ExecutionEvent { change: Change::Dead { attempt: last, .. }, .. })
                if *last == attempt.number
        );
        if let Some(failure) = &attempt.failure
            && !dead
        {
            events.push(retried(attempt, failure));
        }
    }
    events.extend(terminal);
    (RETOLD + 1..).zip(events).collect()
}

const fn at(at_ms: u64, change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms, change }
}

/// When it failed is not kept, nor when the next one was to start.
fn retried(attempt: &Attempt, failure: &str) -> ExecutionEvent {
    let change = Change::Retried {
        attempt: attempt.number,
        reason: failure.to_owned(),
        not_before_ms: attempt.started_at_ms,
        handed_back: attempt.handed_back,
    };
    at(attempt.started_at_ms, change)
}

fn terminal(execution: &Execution, end: &End) -> Change {
    let attempt = execution.attempts.last().map(|attempt| attempt.number);
    match (attempt, &end.output, &end.outcome) {
        (Some(attempt), Some(output), Outcome::SystemError { reason })
            if end.measurements.is_none() =>
        {
            Change::Dead {
                attempt,
                reason: reason.clone(),
                output: Box::new(output.clone()),
            }
        }
        (Some(attempt), Some(output), outcome) => Change::Finished {
            attempt,
            outcome: outcome.clone(),
            measurements: Box::new(end.measurements.clone().unwrap_or_default()),
            output: Box::new(output.clone()),
        },
        (_, _, Outcome::Expired) => Change::Expired,
        (_, _, _) => Change::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runlog_schemas::{Limits, OutputSummary, Priority, Submission, fold};

    use super::*;

    fn submitted() -> ExecutionEvent {
        let submission = Submission {
            language: "python".to_owned(),
            priority: Priority::Api,
            files: Vec::new(),
            entry: "main.py".to_owned(),
            args: Vec::new(),
            env: std::collections::BTreeMap::new(),
            compiler_options: Vec::new(),
            stdin: None,
            interactive: false,
            terminal: None,
            output_files: Vec::new(),
            limits: Limits::default(),
            queue_limit_ms: 1,
            session: None,
            request_digest: None,
            toolchain_version: None,
            repeats: None,
        };
        at(
            1,
            Change::Submitted {
                submission: Box::new(submission),
            },
        )
    }

    fn change() -> impl Strategy<Value = Change> {
        let attempt = 1..4_u32;
        let output = || Box::new(OutputSummary::default());
        prop_oneof![
            attempt.clone().prop_map(|attempt| Change::Started {
                attempt,
                worker: format!("w{attempt}"),
            }),
            attempt.clone().prop_map(|attempt| Change::Retried {
                attempt,
                reason: "lost".to_owned(),
                not_before_ms: 7,
                handed_back: false,
            }),
            Just(Change::CancelRequested),
            Just(Change::Cancelled),
            Just(Change::Expired),
            attempt.clone().prop_map(move |attempt| Change::Finished {
                attempt,
                outcome: Outcome::Exited { code: 0 },
                measurements: Box::default(),
                output: output(),
            }),
            attempt.prop_map(move |attempt| Change::Dead {
                attempt,
                reason: "lost".to_owned(),
                output: output(),
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_told_again_folds_to_the_same(
            changes in prop::collection::vec(change(), 1..12),
        ) {
            let events = (2..).zip(changes).map(|(at_ms, change)| at(at_ms, change));
            let fold_all = |events: Vec<ExecutionEvent>| {
                events.iter().fold(Execution::default(), fold)
            };
            let execution = fold_all(std::iter::once(submitted()).chain(events).collect());
            prop_assume!(execution.end().is_some());
            let told = lifecycle(submitted(), &execution);
            prop_assert!(told.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
            let first = Cursor { status: told[0].0, ..Cursor::default() };
            prop_assert!(is_retold(first));
            let again = fold_all(told.into_iter().map(|(_, event)| event).collect());
            prop_assert_eq!(again, execution);
        }
    }
}

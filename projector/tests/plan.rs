//! Laws of `plan`: wherever the log is cut into batches, the rows are the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use runlog_nats::Recorded;
use runlog_projector::{OutOfOrder, Row, plan};
use runlog_schemas::{
    Change, Data, Execution, ExecutionEvent, ExecutionId, Limits, Outcome, Priority, SourceFile,
    State, Submission, fold,
};
use uuid::Uuid;

/// What a projector has after some batches.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tables {
    checkpoint: u64,
    rows: BTreeMap<ExecutionId, Row>,
    submissions: BTreeMap<ExecutionId, ExecutionEvent>,
    recordings: BTreeSet<ExecutionId>,
    ignored: usize,
}

impl Tables {
    /// What the shell does, in memory.
    fn write(&mut self, events: &[Recorded]) -> Result<(), OutOfOrder> {
        let concerned: HashMap<ExecutionId, Row> = events
            .iter()
            .filter_map(|event| Some((event.id, self.rows.get(&event.id)?.clone())))
            .collect();
        let plan = plan(self.checkpoint, concerned, events)?;
        assert_eq!(plan.from, self.checkpoint);
        assert!(
            plan.rows.is_sorted_by(|(a, _), (b, _)| a < b),
            "one row for each execution, in order"
        );
        self.checkpoint = plan.to;
        self.ignored += plan.ignored;
        for (id, row) in &plan.rows {
            self.rows.insert(*id, row.clone());
        }
        for id in plan.recordings {
            assert!(self.recordings.insert(id), "a recording is due once");
        }
        for (id, event) in plan.submissions {
            let before = self.submissions.insert(id, event.clone());
            assert_eq!(before, None, "a submission is written once");
        }
        Ok(())
    }
}

fn submission() -> Submission {
    Submission {
        language: "python".to_owned(),
        priority: Priority::Api,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from("print(1)\n"),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: BTreeMap::default(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 60_000,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

fn id(number: u128) -> ExecutionId {
    ExecutionId::from_uuid(Uuid::from_u128(number))
}

/// Any event, whether or not it fits anywhere.
fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => Just(Change::Submitted { submission: Box::new(submission()) }),
        4 => (1_u32..4).prop_map(|attempt| Change::Started { attempt, worker: "w".to_owned() }),
        2 => (1_u32..4).prop_map(|attempt| Change::Retried {
            attempt,
            reason: "no cell".to_owned(),
            not_before_ms: 5,
            handed_back: false,
        }),
        2 => Just(Change::CancelRequested),
        1 => Just(Change::Cancelled),
        2 => (1_u32..4, 0..3).prop_map(|(attempt, code)| Change::Finished {
            attempt,
            outcome: Outcome::Exited { code },
            measurements: Box::default(),
            output: Box::default(),
        }),
        1 => Just(Change::Expired),
    ]
}

/// A log about four executions, with gaps in its sequences.
fn log() -> impl Strategy<Value = Vec<Recorded>> {
    prop::collection::vec((0_u128..4, 1_u64..4, 0_u64..1_000, change()), 0..60).prop_map(|events| {
        let mut sequence = 0;
        let mut executions: HashMap<ExecutionId, Execution> = HashMap::new();
        let mut log = Vec::new();
        for (number, step, at_ms, change) in events {
            sequence += step;
            let event = ExecutionEvent { at_ms, change };
            let execution = executions.entry(id(number)).or_default();
            // The log takes an id once, for as long as it has it.
            if execution.end().is_some() && event.change.name() == "submitted" {
                continue;
            }
            *execution = fold(std::mem::take(execution), &event);
            log.push(Recorded {
                sequence,
                id: id(number),
                event,
            });
        }
        log
    })
}

#[test]
fn an_id_that_is_used_anew_after_the_log_has_dropped_it_begins_anew() {
    let mut tables = Tables::default();
    let recorded = |sequence, change| Recorded {
        sequence,
        id: id(1),
        event: ExecutionEvent {
            at_ms: sequence,
            change,
        },
    };
    let submitted = || Change::Submitted {
        submission: Box::new(submission()),
    };
    let first = [recorded(1, submitted()), recorded(2, Change::Cancelled)];
    tables.write(&first).unwrap();
    let (again, end) = (recorded(8, submitted()), recorded(9, Change::Expired));
    let (before, events) = (
        HashMap::from([(id(1), tables.rows[&id(1)].clone())]),
        [again.clone()],
    );
    let planned = plan(2, before, &events).unwrap();
    assert_eq!(planned.reborn, [id(1)]);
    assert_eq!(planned.submissions, [(id(1), &again.event)]);
    let row = &planned.rows[0].1;
    assert_eq!((row.first_sequence, row.last_sequence), (8, 8));
    assert!(row.execution.end().is_none());
    // In one batch, the later one counts.
    let [a, b] = first;
    let events = [a, b, again.clone(), end];
    let planned = plan(0, HashMap::new(), &events).unwrap();
    assert_eq!(planned.submissions, [(id(1), &again.event)]);
    assert_eq!(planned.rows[0].1.first_sequence, 8);
}

fn written_at_once(log: &[Recorded]) -> Tables {
    let mut tables = Tables::default();
    tables.write(log).expect("a log is in order");
    tables
}

proptest! {
    #[test]
    fn a_log_may_be_cut_anywhere(log in log(), cuts in prop::collection::vec(0_usize..60, 0..8)) {
        let mut tables = Tables::default();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(log.len())).collect();
        cuts.push(log.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            tables.write(&log[from..cut])?;
            from = cut;
        }
        prop_assert_eq!(tables, written_at_once(&log));
    }

    #[test]
    fn rows_are_the_fold_of_their_events(log in log()) {
        let tables = written_at_once(&log);
        let mut expected: BTreeMap<ExecutionId, Execution> = BTreeMap::new();
        let mut ignored = 0;
        for recorded in &log {
            let execution = expected.entry(recorded.id).or_default();
            let before = execution.clone();
            *execution = fold(std::mem::take(execution), &recorded.event);
            ignored += usize::from(*execution == before);
        }
        expected.retain(|_, execution| execution.state != State::Absent);
        let found: BTreeMap<_, _> = tables
            .rows
            .iter()
            .map(|(id, row)| (*id, row.execution.clone()))
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(tables.ignored, ignored);
        for (id, row) in &tables.rows {
            let of_it = |recorded: &&Recorded| recorded.id == *id;
            let last = log.iter().rfind(|it| it.id == *id).expect("it has events");
            prop_assert_eq!(row.last_sequence, last.sequence);
            let first = log
                .iter()
                .filter(of_it)
                .find(|it| matches!(it.event.change, Change::Submitted { .. }))
                .expect("it was submitted");
            prop_assert_eq!(row.first_sequence, first.sequence);
            prop_assert_eq!(tables.submissions.get(id), Some(&first.event));
        }
        prop_assert_eq!(tables.submissions.len(), tables.rows.len());
        let with_output = |row: &Row| row.execution.end().is_some_and(|end| end.output.is_some());
        let due = tables.rows.iter().filter(|(_, row)| with_output(row));
        prop_assert_eq!(tables.recordings, due.map(|(id, _)| *id).collect());
    }

    #[test]
    fn what_was_written_is_refused(log in log(), from in 0_usize..60) {
        prop_assume!(!log.is_empty());
        let mut tables = written_at_once(&log);
        let before = tables.clone();
        let refused = tables.write(&log[from.min(log.len() - 1)..]).unwrap_err();
        prop_assert_eq!(refused.last, before.checkpoint);
        prop_assert_eq!(tables, before);
    }

    #[test]
    fn disorder_inside_a_batch_is_refused(mut log in log(), a in 0_usize..60, b in 0_usize..60) {
        prop_assume!(log.len() > 1);
        let (a, b) = (a % log.len(), b % log.len());
        prop_assume!(a != b);
        log.swap(a, b);
        prop_assert!(Tables::default().write(&log).is_err());
    }

    #[test]
    fn rows_that_are_ahead_stay_as_they_are(log in log(), at in 0_usize..60) {
        let behind = &log[..at.min(log.len())];
        let mut tables = Tables::default();
        tables.write(behind)?;
        let ahead = written_at_once(&log);
        // As a rebuild finds it that has copied all rows.
        tables.rows.clone_from(&ahead.rows);
        tables.submissions.clone_from(&ahead.submissions);
        tables.write(&log[behind.len()..])?;
        prop_assert_eq!(tables.rows, ahead.rows);
        prop_assert_eq!(tables.checkpoint, ahead.checkpoint);
    }
}

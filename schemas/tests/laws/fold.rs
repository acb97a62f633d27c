//! What must hold of `fold` and `decide` whatever the log brings.

use crate::generate::{command, events, fold_all, history, submission};
use proptest::prelude::*;
use runlog_schemas::{
    Change, Command, Execution, ExecutionEvent, MAX_ATTEMPTS, Outcome, Refusal, State, decide, fold,
};

proptest! {
    #[test]
    fn delivering_an_event_twice_changes_nothing(events in events()) {
        let mut once = Execution::default();
        for event in &events {
            once = fold(once, event);
            prop_assert_eq!(&fold(once.clone(), event), &once);
        }
    }

    #[test]
    fn redelivering_anything_from_a_real_history_changes_nothing(
        events in history(),
        again: Vec<prop::sample::Index>,
    ) {
        let whole = fold_all(Execution::default(), &events);
        prop_assume!(!events.is_empty());
        let repeated = again.iter().map(|index| index.get(&events));
        prop_assert_eq!(fold_all(whole.clone(), repeated), whole);
    }

    #[test]
    fn an_ended_execution_stays_ended(before in events(), after in events()) {
        let execution = fold_all(Execution::default(), &before);
        prop_assume!(execution.end().is_some());
        prop_assert_eq!(fold_all(execution.clone(), &after), execution);
    }

    #[test]
    fn cutting_the_log_anywhere_gives_the_same(events in events(), cut: prop::sample::Index) {
        let whole = fold_all(Execution::default(), &events);
        let (front, back) = events.split_at(cut.index(events.len() + 1));
        let stored = serde_json::to_string(&fold_all(Execution::default(), front)).unwrap();
        let read: Execution = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(fold_all(read, back), whole);
    }

    #[test]
    fn whatever_is_decided_changes_the_state(events in history(), command in command()) {
        let execution = fold_all(Execution::default(), &events);
        if let Ok(Some(event)) = decide(&execution, command, 1_000_000) {
            prop_assert_ne!(fold(execution.clone(), &event), execution);
        }
    }

    #[test]
    fn a_history_has_at_most_one_terminal_event_and_it_is_the_last(events in history()) {
        let mut execution = Execution::default();
        for (place, event) in events.iter().enumerate() {
            execution = fold(execution, event);
            prop_assert_eq!(execution.end().is_some() && place + 1 < events.len(), false);
        }
        prop_assert!(execution.attempts_used() <= MAX_ATTEMPTS);
    }

    #[test]
    fn a_superseded_attempt_can_not_be_finished(events in history(), attempt in 1_u32..5) {
        let execution = fold_all(Execution::default(), &events);
        let finish = Command::Finish {
            attempt,
            outcome: Outcome::Exited { code: 0 },
            measurements: Box::default(),
            output: Box::default(),
        };
        let running = matches!(execution.state, State::Running { attempt: of, .. } if of == attempt);
        prop_assert_eq!(decide(&execution, finish, 1_000_000).is_ok(), running);
    }
}

fn at(at_ms: u64, change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms, change }
}

fn submitted() -> ExecutionEvent {
    at(
        1,
        Change::Submitted {
            submission: Box::new(submission()),
        },
    )
}

fn started(attempt: u32) -> ExecutionEvent {
    at(
        2,
        Change::Started {
            attempt,
            worker: "w1".to_owned(),
        },
    )
}

fn finished(attempt: u32) -> ExecutionEvent {
    let outcome = Outcome::Exited { code: 0 };
    at(
        3,
        Change::Finished {
            attempt,
            outcome,
            measurements: Box::default(),
            output: Box::default(),
        },
    )
}

fn outcome_of(events: &[ExecutionEvent]) -> Option<Outcome> {
    fold_all(Execution::default(), events)
        .end()
        .map(|end| end.outcome.clone())
}

#[test]
fn a_run_ends_with_what_its_worker_says() {
    assert_eq!(
        outcome_of(&[submitted(), started(1), finished(1)]),
        Some(Outcome::Exited { code: 0 })
    );
}

#[test]
fn a_lost_worker_can_not_end_the_attempt_that_took_over() {
    assert_eq!(
        outcome_of(&[submitted(), started(1), started(2), finished(1)]),
        None
    );
}

#[test]
fn cancelling_in_the_queue_ends_at_once_and_while_running_asks_the_worker() {
    let queued = fold_all(Execution::default(), &[submitted()]);
    let event = decide(&queued, Command::Cancel, 5).unwrap().unwrap();
    assert_eq!(event.change, Change::Cancelled);
    let running = fold_all(Execution::default(), &[submitted(), started(1)]);
    let event = decide(&running, Command::Cancel, 5).unwrap().unwrap();
    assert_eq!(event.change, Change::CancelRequested);
    let cancelling = fold(running, &event);
    assert_eq!(decide(&cancelling, Command::Cancel, 6), Ok(None));
}

#[test]
fn a_cancel_that_races_a_finish_wins_if_it_was_first_in_the_log() {
    let asked = at(3, Change::CancelRequested);
    let cancelling = fold_all(Execution::default(), &[submitted(), started(1), asked]);
    let finish = Command::Finish {
        attempt: 1,
        outcome: Outcome::Exited { code: 0 },
        measurements: Box::default(),
        output: Box::default(),
    };
    let event = decide(&cancelling, finish, 5).unwrap().unwrap();
    assert_eq!(
        fold(cancelling, &event).end().unwrap().outcome,
        Outcome::Cancelled
    );
}

#[test]
fn a_lost_attempt_is_followed_until_none_is_left() {
    let mut events = vec![submitted()];
    events.extend((1..=MAX_ATTEMPTS).map(started));
    let execution = fold_all(Execution::default(), &events);
    let start = Command::Start {
        worker: "w9".to_owned(),
    };
    assert_eq!(
        decide(&execution, start, 9),
        Err(Refusal::NoAttemptLeft {
            attempt: MAX_ATTEMPTS
        })
    );
    let give_up = Command::GiveUp {
        attempt: MAX_ATTEMPTS,
        reason: "the worker was lost".to_owned(),
        output: Box::default(),
    };
    let event = decide(&execution, give_up, 9).unwrap().unwrap();
    assert_eq!(
        fold(execution, &event).end().unwrap().outcome.code(),
        Some("E005")
    );
}

#[test]
fn a_failed_attempt_waits_before_the_next() {
    let running = fold_all(Execution::default(), &[submitted(), started(1)]);
    let give_up = Command::GiveUp {
        attempt: 1,
        reason: "no cell".to_owned(),
        output: Box::default(),
    };
    let event = decide(&running, give_up, 10_000).unwrap().unwrap();
    let queued = fold(running, &event);
    let start = || Command::Start {
        worker: "w2".to_owned(),
    };
    assert_eq!(
        decide(&queued, start(), 11_999),
        Err(Refusal::TooEarly {
            not_before_ms: 12_000
        })
    );
    let event = decide(&queued, start(), 12_000).unwrap().unwrap();
    assert_eq!(
        event.change,
        Change::Started {
            attempt: 2,
            worker: "w2".to_owned()
        }
    );
}

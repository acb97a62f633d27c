//! Appending.

use runlog_model::Conflict;
use runlog_schemas::{Change, Priority};

use crate::suite::{UnderTest, event, id, output, started};

pub(crate) async fn sequences_are_those_of_the_stream(log: &mut impl UnderTest) {
    assert_eq!(log.submit(id(1), Priority::Api).await, Ok(1));
    assert_eq!(log.submit(id(2), Priority::Api).await, Ok(2));
    assert_eq!(log.change(id(1), 0, &started(1)).await, Ok(3));
    assert_eq!(log.change(id(2), 0, &started(1)).await, Ok(4));
    assert_eq!(log.record(id(2), &output(1, 0, 1)).await, 1);
    assert_eq!(log.record(id(1), &output(1, 0, 1)).await, 2);
}

pub(crate) async fn an_id_is_submitted_once_whatever_its_queue(log: &mut impl UnderTest) {
    log.submit(id(1), Priority::Api).await.unwrap();
    for priority in Priority::ALL {
        assert_eq!(log.submit(id(1), priority).await, Err(Conflict));
    }
    // Not even when something has happened to it since.
    let cancelled = event(Change::Cancelled);
    log.change(id(1), 0, &cancelled).await.unwrap();
    assert_eq!(log.submit(id(1), Priority::Api).await, Err(Conflict));
    assert_eq!(log.events(id(1)).await.len(), 2);
}

pub(crate) async fn a_change_needs_the_last_one_before_it(log: &mut impl UnderTest) {
    log.submit(id(1), Priority::Api).await.unwrap();
    log.submit(id(2), Priority::Api).await.unwrap();
    let last = log.change(id(1), 0, &started(1)).await.unwrap();
    for expected in [0, 1, last - 1, last + 1] {
        assert_eq!(
            log.change(id(1), expected, &started(2)).await,
            Err(Conflict)
        );
    }
    // What happens to others is of no concern.
    log.change(id(2), 0, &started(1)).await.unwrap();
    let next = log.change(id(1), last, &started(2)).await.unwrap();
    assert!(next > last);
    let events = log.events(id(1)).await;
    assert_eq!(events[1..], [(last, started(1)), (next, started(2))]);
}

pub(crate) async fn output_needs_nothing_and_may_repeat(log: &mut impl UnderTest) {
    let batch = output(1, 0, 2);
    let first = log.record(id(1), &batch).await;
    let second = log.record(id(1), &batch).await;
    assert!(second > first);
    let stored = log.recording(id(1)).await;
    assert_eq!(stored, [(first, batch.clone()), (second, batch)]);
}

pub(crate) async fn an_append_whose_answer_is_lost_is_stored_once(log: &mut impl UnderTest) {
    log.submit(id(1), Priority::Api).await.unwrap();
    let stored = log.unanswered(id(1), 0, &started(1)).await.unwrap();
    assert_eq!(log.events(id(1)).await[1..], [(stored, started(1))]);
    // Behind something else, it is known not to be.
    let refused = log.unanswered(id(1), 0, &started(1)).await;
    assert_eq!(refused, Err(Conflict));
    assert_eq!(log.events(id(1)).await.len(), 2);
}

pub(crate) async fn of_two_appends_whose_answers_are_lost_one_is_stored(log: &mut impl UnderTest) {
    log.submit(id(1), Priority::Api).await.unwrap();
    let results = log.two_unanswered(id(1), 0, &started(1)).await;
    let stored: Vec<_> = results.iter().flatten().collect();
    assert_eq!(stored.len(), 1, "{results:?}");
    assert_eq!(log.events(id(1)).await[1..], [(*stored[0], started(1))]);
}

//! Damage to the log.

use runlog_nats::DeadLetter;
use runlog_schemas::{Change, ExecutionEvent, OutputSummary, Priority, encode_event, subject};
use runlog_verify::Rule;

use crate::bed::{
    Bed, CANCELLED, DEAD, FINISHED, QUEUED, RETRIED, RUNNING, SILENT, assert_found, finished, id,
    output, started, submission, summary,
};

#[tokio::test]
async fn every_kind_of_damage_to_events_is_named() {
    let mut bed = Bed::folded().await;
    let stream = bed.stream().await;
    let put = async |subject: String, payload: Vec<u8>| {
        let stored = stream.publish(subject, payload.into()).await.unwrap().await;
        stored.unwrap().sequence
    };
    let event = |change| encode_event(&ExecutionEvent { at_ms: 3, change });
    put(subject::status(id(QUEUED)), b"nonsense".to_vec()).await;
    let late = event(finished(1, OutputSummary::default()));
    put(subject::status(id(FINISHED)), late).await;
    let again = Change::Submitted {
        submission: Box::new(submission(Priority::Interactive)),
    };
    let other_queue = subject::submit("python", Priority::Interactive, id(RUNNING));
    put(other_queue, event(again)).await;
    put(subject::status(id(100)), event(Change::Cancelled)).await;
    bed.submit(101).await;
    put(
        subject::status(id(101)),
        event(finished(1, OutputSummary::default())),
    )
    .await;
    bed.submit(102).await;
    for attempt in 1..=4 {
        put(subject::status(id(102)), event(started(attempt))).await;
    }
    bed.submit(103).await;
    put(subject::status(id(103)), event(started(1))).await;
    let contradiction = OutputSummary {
        last_sequence: Some(1),
        ..OutputSummary::default()
    };
    put(subject::status(id(103)), event(finished(1, contradiction))).await;
    let wrong_hash = OutputSummary {
        chunks: 2,
        ..summary(2, 1, 0)
    };
    bed.submit(104).await;
    put(subject::status(id(104)), event(started(1))).await;
    let last = bed
        .log
        .append_output(id(104), &output(1, 0, 2))
        .await
        .unwrap();
    let lie = OutputSummary {
        last_sequence: Some(last),
        ..wrong_hash
    };
    put(subject::status(id(104)), event(finished(1, lie))).await;
    assert_found(
        &bed.check().await,
        &[
            (Rule::Unreadable, Some(QUEUED)),
            (Rule::AfterTheEnd, Some(FINISHED)),
            (Rule::SubmittedTwice, Some(RUNNING)),
            (Rule::NoSubmission, Some(100)),
            (Rule::NoEffect, Some(101)),
            (Rule::TooManyAttempts, Some(102)),
            (Rule::Output, Some(103)),
            (Rule::Output, Some(104)),
        ],
    );
}

#[tokio::test]
async fn messages_that_are_gone_from_the_middle_are_missed() {
    let mut bed = Bed::folded().await;
    let stream = bed.stream().await;
    let lifecycle = stream.get_stream("EXECUTIONS").await.unwrap();
    // The submission of one, and what happened to another.
    let gone = [
        subject::any_submit(id(CANCELLED)),
        subject::status(id(FINISHED)),
    ];
    for subject in gone {
        lifecycle.purge().filter(subject).await.unwrap();
    }
    let report = bed.check().await;
    let gaps: Vec<_> = report
        .findings
        .iter()
        .filter(|it| it.rule == Rule::Gap)
        .map(|it| (it.place, it.sequence))
        .collect();
    assert_eq!(gaps, [("EXECUTIONS", Some(3)), ("EXECUTIONS", Some(10))]);
    assert_found(
        &report,
        &[
            (Rule::Gap, None),
            (Rule::NoSubmission, Some(CANCELLED)),
            (Rule::RowExtra, Some(CANCELLED)),
            (Rule::Row, Some(FINISHED)),
            (Rule::Recording, Some(FINISHED)),
            (Rule::RanWithoutStart, Some(FINISHED)),
        ],
    );
}

#[tokio::test]
async fn damage_to_recordings_is_named() {
    let mut bed = Bed::start().await;
    let stream = bed.stream().await;
    stream
        .publish(subject::output(id(RUNNING)), "nonsense".into())
        .await
        .unwrap()
        .await
        .unwrap();
    bed.log
        .append_output(id(CANCELLED), &output(1, 0, 1))
        .await
        .unwrap();
    bed.log
        .append_output(id(QUEUED), &output(1, 0, 1))
        .await
        .unwrap();
    bed.submit(100).await;
    let begun = bed.status(100, 0, started(1)).await;
    bed.log
        .append_output(id(100), &output(1, 0, 1))
        .await
        .unwrap();
    let last = bed
        .log
        .append_output(id(100), &output(1, 2, 1))
        .await
        .unwrap();
    bed.status(100, begun, finished(1, summary(1, 3, last)))
        .await;
    bed.submit(101).await;
    let begun = bed.status(101, 0, started(1)).await;
    // Its last message is of somebody else.
    bed.status(101, begun, finished(1, summary(1, 3, last)))
        .await;
    let options = runlog_verify::Options::default();
    let report = runlog_verify::verify(&bed.log, &options).await.unwrap();
    assert_found(
        &report,
        &[
            (Rule::Unreadable, Some(RUNNING)),
            (Rule::RanWithoutStart, Some(CANCELLED)),
            (Rule::RanWithoutStart, Some(QUEUED)),
            (Rule::ChunkGap, Some(100)),
            (Rule::Output, Some(101)),
        ],
    );
    let recordings = stream.get_stream("OUTPUT").await.unwrap();
    let gone = subject::output(id(RETRIED));
    recordings.purge().filter(gone).await.unwrap();
    let report = runlog_verify::verify(&bed.log, &options).await.unwrap();
    assert!(report.broken.contains_key(&Rule::Gap), "{report:#?}");
}

#[tokio::test]
async fn what_has_left_the_front_of_the_log_is_no_damage() {
    let mut bed = Bed::folded().await;
    let stream = bed.stream().await;
    for (name, before) in [("EXECUTIONS", 12), ("OUTPUT", 4)] {
        let stream = stream.get_stream(name).await.unwrap();
        stream.purge().sequence(before).await.unwrap();
    }
    let report = bed.check().await;
    assert_found(&report, &[]);
    assert_eq!(report.checked.rows_gone, 9);
    assert_eq!(report.checked.executions, 0);
}

#[tokio::test]
async fn dead_letters_agree_with_what_was_given_up() {
    let mut bed = Bed::folded().await;
    let letter = |submission_sequence, attempts| DeadLetter {
        at_ms: 2,
        attempts,
        reason: "no cell".to_owned(),
        submission_sequence,
        redriven: None,
    };
    bed.log
        .append_dead_letter("python", id(SILENT), &letter(9, 1))
        .await
        .unwrap();
    assert_found(&bed.check().await, &[(Rule::DeadLetter, Some(SILENT))]);
    let stream = bed.stream().await;
    let letters = stream.get_stream("DEAD_LETTERS").await.unwrap();
    letters.purge().await.unwrap();
    assert_found(&bed.check().await, &[]);
    assert_found(
        &bed.check_with(true).await,
        &[
            (Rule::DeadLetter, Some(DEAD)),
            (Rule::NotEnded, Some(QUEUED)),
            (Rule::NotEnded, Some(RUNNING)),
        ],
    );
    bed.log
        .append_dead_letter("python", id(DEAD), &letter(5, 2))
        .await
        .unwrap();
    assert_found(&bed.check().await, &[(Rule::DeadLetter, Some(DEAD))]);
}

//! Damage to the read models.

use runlog_nats::Freshness;
use runlog_schemas::{Change, ChunkKind, Data, OutputBatch};
use runlog_verify::{Report, Rule};

use crate::bed::{
    Bed, CANCELLED, DEAD, EXPIRED, FINISHED, LOST, QUEUED, RETRIED, RUNNING, SILENT, assert_found,
    id, output,
};

#[tokio::test]
async fn sound_tables_are_called_sound() {
    let bed = Bed::folded().await;
    let report = bed.check().await;
    assert_found(&report, &[]);
    let checked = report.checked;
    assert_eq!((checked.executions, checked.ended, checked.rows), (9, 7, 9));
    assert_eq!(checked.events, checked.executions_range.last);
    assert_eq!((checked.recordings, checked.stored_recordings), (3, 5));
    assert_eq!(checked.dead_letters, 1);
    assert_eq!(checked.checkpoint, Some(checked.executions_range.last));
}

#[tokio::test]
async fn every_kind_of_damage_to_rows_is_named() {
    let bed = Bed::folded().await;
    let sql = bed.sql().await;
    let change = async |what: &str, number| {
        let changed = sql.execute(what, &[&id(number).as_uuid()]).await.unwrap();
        assert_eq!(changed, 1, "{what}");
    };
    change(
        "UPDATE executions SET state = 'running' WHERE id = $1",
        FINISHED,
    )
    .await;
    change(
        "UPDATE executions SET last_sequence = 2 WHERE id = $1",
        RETRIED,
    )
    .await;
    change("DELETE FROM executions WHERE id = $1", CANCELLED).await;
    change("DELETE FROM submissions WHERE id = $1", EXPIRED).await;
    change("UPDATE submissions SET body = '' WHERE id = $1", QUEUED).await;
    let body = zstd::stream::encode_all(&b"another"[..], 1).unwrap();
    let swap = "UPDATE submissions SET body = $2 WHERE id = $1";
    let swapped = sql.execute(swap, &[&id(RUNNING).as_uuid(), &body]).await;
    assert_eq!(swapped.unwrap(), 1);
    let copy = "INSERT INTO executions SELECT '00000000-0000-7000-8000-0000000000ff', session,
        language, priority, state, outcome, exit_code, attempts, submitted_at_ms, started_at_ms,
        ended_at_ms, queue_deadline_ms, first_sequence, last_sequence, execution
        FROM executions WHERE id = $1";
    change(copy, DEAD).await;
    let report = bed.check().await;
    assert_found(
        &report,
        &[
            (Rule::Row, Some(FINISHED)),
            (Rule::Row, Some(RETRIED)),
            (Rule::RowMissing, Some(CANCELLED)),
            (Rule::Submission, Some(EXPIRED)),
            (Rule::Submission, Some(QUEUED)),
            (Rule::Submission, Some(RUNNING)),
            (Rule::RowExtra, Some(0xff)),
        ],
    );
    assert_words(
        &report,
        FINISHED,
        "state is \"running\", the log says \"ended\"",
    );
    assert_words(&report, RETRIED, "last_sequence is 2, the log says");
}

#[tokio::test]
async fn every_kind_of_damage_to_stored_recordings_is_named() {
    let bed = Bed::folded().await;
    let sql = bed.sql().await;
    let change = async |what: &str, number| {
        let what = format!("UPDATE recordings SET {what} WHERE id = $1");
        let changed = sql.execute(&what, &[&id(number).as_uuid()]).await.unwrap();
        assert_eq!(changed, 1, "{what}");
    };
    change("chunks = 4", FINISHED).await;
    change("attempt = 1", RETRIED).await;
    change("complete = false, problem = 'none'", LOST).await;
    change("body = 'x'", SILENT).await;
    let gone = "DELETE FROM recordings WHERE id = $1";
    sql.execute(gone, &[&id(DEAD).as_uuid()]).await.unwrap();
    let report = bed.check().await;
    assert_found(
        &report,
        &[
            (Rule::Recording, Some(FINISHED)),
            (Rule::Recording, Some(RETRIED)),
            (Rule::Recording, Some(LOST)),
            (Rule::Recording, Some(SILENT)),
            (Rule::Recording, Some(DEAD)),
        ],
    );
    assert_words(&report, FINISHED, "4 chunks");
    assert_words(&report, RETRIED, "it is of attempt 1, but attempt 2");
    assert_words(&report, LOST, "though the log has all of it");
    assert_words(&report, SILENT, "cannot be unpacked");
    assert_words(&report, DEAD, "neither kept nor due");
}

#[tokio::test]
async fn a_stored_recording_that_says_something_else_is_named() {
    let bed = Bed::folded().await;
    let sql = bed.sql().await;
    let swap = async |number, batch: OutputBatch| {
        let line = serde_json::to_vec(&batch).unwrap();
        let body = zstd::stream::encode_all(&line[..], 1).unwrap();
        let bytes: usize = batch
            .chunks
            .iter()
            .map(|it| it.what.output().map_or(0, |(_, bytes)| bytes.len()))
            .sum();
        let swap = "UPDATE recordings SET body = $2, bytes = $3 WHERE id = $1";
        let bytes = i64::try_from(bytes).unwrap();
        let id = id(number).as_uuid();
        let swapped = sql.execute(swap, &[&id, &body, &bytes]).await;
        assert_eq!(swapped.unwrap(), 1);
    };
    let mut other_bytes = output(1, 0, 3);
    other_bytes.chunks[1].what = ChunkKind::Stdout {
        data: Data::from("LINE 1 of 1\n"),
    };
    swap(FINISHED, other_bytes).await;
    let mut other_time = output(2, 0, 3);
    other_time.chunks[1].at_us = 99;
    swap(RETRIED, other_time).await;
    let report = bed.check().await;
    assert_found(
        &report,
        &[
            (Rule::Recording, Some(FINISHED)),
            (Rule::Recording, Some(RETRIED)),
        ],
    );
    assert_words(&report, FINISHED, "standard output has 36 bytes with");
    assert_words(&report, RETRIED, "other times or inputs");
}

#[tokio::test]
async fn tables_that_are_ahead_of_their_log_are_named() {
    let bed = Bed::folded().await;
    let sql = bed.sql().await;
    let ahead = "UPDATE projector_checkpoints SET last_sequence = 1000";
    sql.execute(ahead, &[]).await.unwrap();
    assert_found(&bed.check().await, &[(Rule::Checkpoint, None)]);
}

#[tokio::test]
async fn tables_that_are_behind_are_compared_up_to_where_they_are() {
    let bed = Bed::folded().await;
    let events = bed.check().await.checked.events;
    bed.submit(100).await;
    bed.finish(100, 0, 1).await;
    let begun = bed.log.read_execution(id(RUNNING), Freshness::Leader).await;
    let last = begun.unwrap().unwrap().last_status_sequence;
    bed.status(RUNNING, last, Change::CancelRequested).await;
    let report = bed.check().await;
    assert_found(&report, &[]);
    assert_eq!(report.checked.events, events + 4);
    bed.fold().await;
    assert_found(&bed.check().await, &[]);
}

#[track_caller]
fn assert_words(report: &Report, number: u128, words: &str) {
    let finding = report
        .findings
        .iter()
        .find(|it| it.execution == Some(id(number)));
    assert!(finding.unwrap().words.contains(words), "{finding:?}");
}

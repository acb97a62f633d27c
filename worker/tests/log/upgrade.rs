//! A worker that is older than what stands in the log, and a newer one beside it.

use std::time::Duration;

use runlog_schemas::{Change, ExecutionEvent, ExecutionId, Vocabulary};

use crate::support::{Bed, SCRIPT, exit, now_ms, runs, submission, write};

/// What happened to an execution before these workers came: an attempt that was handed back.
async fn handed_back(bed: &Bed, id: ExecutionId) -> u64 {
    let started = Change::Started {
        attempt: 1,
        worker: "gone".to_owned(),
    };
    let retried = Change::Retried {
        attempt: 1,
        reason: "told to stop".to_owned(),
        not_before_ms: 0,
        handed_back: true,
    };
    let mut last = 0;
    for change in [started, retried] {
        let at_ms = now_ms();
        let event = ExecutionEvent { at_ms, change };
        last = bed.log.append_status(id, last, &event).await.unwrap();
    }
    last
}

/// An older worker leaves `id` alone and says so; a newer one does it.
async fn is_left_to_a_newer_one(bed: &mut Bed, older: Vocabulary, id: ExecutionId) {
    let engine = || runs(vec![write("done\n"), exit(0)]);
    let soon = Duration::from_millis(20);
    let before = bed.log.last_sequence().await.unwrap();
    let old = bed
        .worker_that_knows(older, engine(), |config| {
            config.name = "old".to_owned();
            config.unreadable = soon;
            config.sweep = soon;
        })
        .await;
    // Again and again, since it comes back again and again.
    while old.metric("exec_deliveries_ignored_total") < 3.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bed.log.last_sequence().await.unwrap(), before);

    let new = bed
        .worker_with(engine(), |config| {
            config.name = "new".to_owned();
            config.sweep = soon;
        })
        .await;
    let ended = bed.end(id).await;
    let last = ended.execution.attempts.last().unwrap();
    assert!(last.worker.starts_with("new"), "{last:?}");
    assert_eq!(ended.bytes(runlog_schemas::OutputStream::Stdout), b"done\n");
    old.stop().await;
    new.stop().await;
}

#[tokio::test]
async fn a_submission_that_a_worker_cannot_read_is_left_to_a_newer_one() {
    let mut bed = Bed::start().await;
    let id = bed.submit(&submission(SCRIPT)).await;
    is_left_to_a_newer_one(&mut bed, Vocabulary::before("submitted"), id).await;
}

#[tokio::test]
async fn an_execution_with_an_event_that_a_worker_cannot_read_is_left_to_a_newer_one() {
    let mut bed = Bed::start().await;
    let id = bed.submit(&submission(SCRIPT)).await;
    handed_back(&bed, id).await;
    is_left_to_a_newer_one(&mut bed, Vocabulary::before("retried"), id).await;
}

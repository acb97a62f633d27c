//! Appending: once, in order, or not at all.

use futures_util::TryStreamExt as _;
use runlog_nats::{AppendError, DeadLetter, Freshness};
use runlog_schemas::{ChunkKind, Data, OutputBatch, Priority, State};

use crate::support::{Bed, finished, id, output, started, submission};

#[tokio::test]
async fn what_was_appended_is_read_and_folded() {
    let bed = Bed::start().await;
    let log = &bed.log;
    let asked = submission("python", Priority::Api);
    let first = log.append_submission(id(1), &asked, 5).await.unwrap();
    let second = log.append_status(id(1), 0, &started(1)).await.unwrap();
    let last = log.append_output(id(1), &output(1, 0, 3)).await.unwrap();
    let end = finished(1, 3, Some(last));
    let third = log.append_status(id(1), second, &end).await.unwrap();
    for freshness in [Freshness::Any, Freshness::Leader] {
        let folded = log.read_execution(id(1), freshness).await.unwrap().unwrap();
        let sequences: Vec<u64> = folded
            .events
            .iter()
            .map(|(sequence, _)| *sequence)
            .collect();
        assert_eq!(sequences, [first, second, third]);
        assert_eq!(folded.last_status_sequence, third);
        assert!(matches!(folded.execution.state, State::Ended(_)));
    }
    let stored = log.read_submission(id(1)).await.unwrap().unwrap();
    assert_eq!(
        (stored.sequence, stored.at_ms, stored.submission),
        (first, 5, asked)
    );
    assert_eq!(
        log.read_execution(id(2), Freshness::Any).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_second_submission_is_refused_whatever_its_queue() {
    let bed = Bed::start().await;
    let log = &bed.log;
    let first = submission("python", Priority::Api);
    log.append_submission(id(1), &first, 1).await.unwrap();
    for (language, priority) in [
        ("python", Priority::Api),
        ("python", Priority::Background),
        ("c", Priority::Api),
    ] {
        let refused = log
            .append_submission(id(1), &submission(language, priority), 2)
            .await;
        assert!(matches!(refused, Err(AppendError::Conflict)), "{refused:?}");
    }
    let stored = log.read_submission(id(1)).await.unwrap().unwrap();
    assert_eq!(stored.submission, first);
    log.append_submission(id(2), &first, 3).await.unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_kill_of_the_server() {
    let mut bed = Bed::start().await;
    let asked = submission("c", Priority::Interactive);
    bed.log.append_submission(id(1), &asked, 1).await.unwrap();
    bed.log.append_status(id(1), 0, &started(1)).await.unwrap();
    let before = bed
        .log
        .read_execution(id(1), Freshness::Leader)
        .await
        .unwrap();
    bed.servers.nats().kill().await.unwrap();
    bed.servers.nats().restart().await.unwrap();
    let other = bed.another().await;
    let after = other
        .read_execution(id(1), Freshness::Leader)
        .await
        .unwrap();
    assert_eq!(before, after);
    assert!(after.is_some());
}

#[tokio::test]
async fn a_dead_letter_is_filed_once() {
    let bed = Bed::start().await;
    let letter = DeadLetter {
        at_ms: 1,
        attempts: 3,
        reason: "the sandbox could not be made".to_owned(),
        submission_sequence: 1,
        redriven: None,
    };
    for _ in 0..2 {
        bed.log
            .append_dead_letter("c", id(1), &letter)
            .await
            .unwrap();
    }
    assert_eq!(bed.log.bounds("DEAD_LETTERS").await.unwrap().messages, 1);
}

#[tokio::test]
async fn a_recording_is_read_in_pages_from_any_place() {
    let bed = Bed::start().await;
    let mut sequences = Vec::new();
    for number in 0..6 {
        let mut batch = output(1, number, 1);
        batch.chunks[0].what = ChunkKind::Stdout {
            // Three fit into a page.
            data: Data(vec![b'x'; 400_000]),
        };
        sequences.push(bed.log.append_output(id(1), &batch).await.unwrap());
    }
    for freshness in [Freshness::Any, Freshness::Leader] {
        for (index, after) in [0].iter().chain(&sequences).enumerate() {
            let output = bed.log.read_output(id(1), *after, freshness);
            let batches: Vec<(u64, OutputBatch)> = output.try_collect().await.unwrap();
            let found: Vec<u64> = batches.iter().map(|(sequence, _)| *sequence).collect();
            assert_eq!(found, sequences[index..]);
        }
    }
}

//! The queues.

use std::time::Duration;

use runlog_nats::{Delivery, Poison, Queue, Wakeup, streams};
use runlog_schemas::{Priority, subject};
use serde_json::{Value, json};

use crate::support::{Bed, id, now_ms, submission, wanted};

const API: Priority = Priority::Api;

async fn put(bed: &Bed, count: u128) {
    for number in 1..=count {
        bed.log
            .append_submission(id(number), &submission("python", API), 7)
            .await
            .unwrap();
    }
}

async fn pull(queue: &Queue, max: usize) -> Vec<Delivery> {
    let pulled = queue.pull("python", API, max).await.unwrap();
    pulled.into_iter().map(Result::unwrap).collect()
}

/// What the server says of the consumer of the test's queue.
async fn consumer(bed: &mut Bed) -> Value {
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let subject = "$JS.API.CONSUMER.INFO.EXECUTIONS.python-api";
    let answer = client.request(subject, "".into()).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

#[tokio::test]
async fn a_pull_takes_what_was_asked_for_and_no_more() {
    let mut bed = Bed::start().await;
    let queue = bed.log.queue();
    assert!(pull(&queue, 5).await.is_empty());
    put(&bed, 10).await;
    assert!(pull(&queue, 0).await.is_empty());
    let first = pull(&queue, 3).await;
    let ids: Vec<_> = first.iter().map(|it| it.id).collect();
    assert_eq!(ids, [id(1), id(2), id(3)]);
    assert_eq!(
        (
            first[0].at_ms,
            first[0].deliveries,
            first[0].stream_sequence
        ),
        (7, 1, 1)
    );
    assert_eq!(first[0].submission, submission("python", API));
    let info = consumer(&mut bed).await;
    assert_eq!(info["num_ack_pending"], json!(3));
    assert_eq!(info["num_pending"], json!(7));
    assert_eq!(pull(&queue, 100).await.len(), 7);
    assert!(pull(&queue, 100).await.is_empty());
    let elsewhere = queue.pull("c", API, 10).await.unwrap();
    assert!(elsewhere.is_empty());
}

#[tokio::test]
async fn all_queues_are_seen_at_once_and_who_has_waited_the_longest() {
    let bed = Bed::start().await;
    let queue = bed.log.queue();
    for (number, at_ms) in [(1, 10), (2, 20), (3, 30)] {
        let submission = submission("python", API);
        let appended = bed.log.append_submission(id(number), &submission, at_ms);
        appended.await.unwrap();
    }
    let oldest = async |taken: u64| {
        let depths = queue.depths().await.unwrap();
        let empty = depths[&subject::consumer("c", API)];
        assert_eq!((empty.waiting, empty.leased), (0, 0));
        let depth = depths[&subject::consumer("python", API)];
        assert_eq!((depth.waiting, depth.leased), (3 - taken, taken));
        assert_eq!(depth, queue.depth("python", API).await.unwrap());
        let oldest = queue.oldest_waiting("python", API, depth.delivered_up_to);
        oldest.await.unwrap().map(|it| (it.sequence, it.at_ms))
    };
    assert_eq!(oldest(0).await, Some((1, 10)));
    pull(&queue, 2).await;
    assert_eq!(oldest(2).await, Some((3, 30)));
    pull(&queue, 1).await;
    assert_eq!(oldest(3).await, None);
}

#[tokio::test]
async fn what_is_handed_back_comes_again_and_what_is_done_does_not() {
    let bed = Bed::start().await;
    let queue = bed.log.queue();
    put(&bed, 2).await;
    let deliveries = pull(&queue, 2).await;
    deliveries[0].lease.ack().await.unwrap();
    deliveries[1].lease.nak(Duration::ZERO).await.unwrap();
    let again = loop {
        // The server takes the word when it comes; there is no answer to wait for.
        if let Some(delivery) = pull(&queue, 5).await.pop() {
            break delivery;
        }
    };
    assert_eq!((again.id, again.deliveries), (id(2), 2));
    assert!(pull(&queue, 5).await.is_empty());
}

#[tokio::test]
async fn a_lease_that_is_renewed_is_kept_and_one_that_is_not_runs_out() {
    let bed = Bed::start().await;
    let mut short = wanted();
    for consumer in &mut short.consumers {
        let _ = consumer
            .config
            .insert("ack_wait".to_owned(), json!(1_000_000_000));
    }
    streams::apply(&bed.log, &short, false, now_ms())
        .await
        .unwrap();
    let queue = bed.log.queue();
    put(&bed, 2).await;
    let held = pull(&queue, 2).await;
    let renewing = async {
        loop {
            held[0].lease.progress().await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let waiting = async {
        let mut taken = Vec::new();
        while taken.is_empty() {
            taken = pull(&queue, 2).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        taken
    };
    let again = tokio::select! {
        taken = waiting => taken,
        () = renewing => unreachable!("it renews for ever"),
    };
    let ids: Vec<_> = again.iter().map(|it| (it.id, it.deliveries)).collect();
    assert_eq!(ids, [(id(2), 2)]);
}

#[tokio::test]
async fn what_cannot_be_read_is_reported_and_stays() {
    let mut bed = Bed::start().await;
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let stream = async_nats::jetstream::new(client);
    for (number, payload) in [(1, "nonsense"), (2, r#"{"v":9,"type":"new"}"#)] {
        stream
            .publish(subject::submit("python", API, id(number)), payload.into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let queue = bed.log.queue();
    let pulled = queue.pull("python", API, 5).await.unwrap();
    let poison: Vec<Poison> = pulled.into_iter().map(Result::unwrap_err).collect();
    assert_eq!(poison[0].id, Some(id(1)));
    assert_eq!((poison[1].stream_sequence, poison[1].deliveries), (2, 1));
    let error = poison[1].error.as_ref().unwrap().to_string();
    assert!(error.contains("version 9"), "{error}");
    assert_eq!(consumer(&mut bed).await["num_ack_pending"], json!(2));
}

#[tokio::test]
async fn submissions_wake_the_workers() {
    let mut bed = Bed::start().await;
    let mut wakeups = bed.log.queue().wakeups().await.unwrap();
    assert_eq!(wakeups.next().await, Some(Wakeup::Everything));
    put(&bed, 1).await;
    let queue = Wakeup::Queue {
        language: "python".to_owned(),
        priority: API,
    };
    // The note of the first connection may still come, and means another look.
    let mut woken = wakeups.next().await.unwrap();
    if woken == Wakeup::Everything {
        woken = wakeups.next().await.unwrap();
    }
    assert_eq!(woken, queue);
    bed.servers.nats().kill().await.unwrap();
    bed.servers.nats().restart().await.unwrap();
    assert_eq!(wakeups.next().await, Some(Wakeup::Everything));
}

#[tokio::test]
async fn a_queue_that_was_never_made_says_what_to_do() {
    let bed = Bed::start().await;
    let error = bed.log.queue().pull("cobol", API, 1).await.unwrap_err();
    assert!(
        error.to_string().contains("runlog streams apply"),
        "{error}"
    );
}

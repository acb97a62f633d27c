//! The projector's reading.

use runlog_nats::{BatchLimit, Freshness, ReadError, Recorded, Tail};
use runlog_schemas::{Change, Priority, subject};

use crate::support::{Bed, event, id, started, submission};

const LIMIT: BatchLimit = BatchLimit {
    events: 100,
    bytes: 1_000_000,
};

/// Puts in that many executions of two events, from that number on.
async fn put(bed: &Bed, first: u128, count: u128) {
    for number in first..first + count {
        bed.log
            .append_submission(id(number), &submission("c", Priority::Api), 1)
            .await
            .unwrap();
        bed.log
            .append_status(id(number), 0, &started(1))
            .await
            .unwrap();
    }
}

async fn read(tail: &mut Tail, until: u64) -> Vec<Recorded> {
    let mut all = Vec::new();
    while tail.last_sequence() < until {
        let batch = tail.next_batch(LIMIT).await.unwrap();
        assert!(!batch.is_empty() && batch.len() <= LIMIT.events);
        all.extend(batch);
    }
    all
}

fn sequences(recorded: &[Recorded]) -> Vec<u64> {
    recorded.iter().map(|it| it.sequence).collect()
}

#[tokio::test]
async fn everything_comes_once_and_in_order_from_any_place() {
    let bed = Bed::start().await;
    put(&bed, 0, 60).await;
    for from in [0, 1, 2, 77, 120, 121] {
        let mut tail = bed.log.tail(from).await.unwrap();
        let all = read(&mut tail, 120).await;
        let expected: Vec<u64> = (from.max(1)..=120).collect();
        assert_eq!(sequences(&all), expected);
    }
    let mut tail = bed.log.tail(1).await.unwrap();
    let all = read(&mut tail, 120).await;
    for number in 0..60 {
        let folded = bed
            .log
            .read_execution(id(number), Freshness::Any)
            .await
            .unwrap()
            .unwrap();
        let own: Vec<_> = all
            .iter()
            .filter(|it| it.id == id(number))
            .map(|it| (it.sequence, it.event.clone()))
            .collect();
        assert_eq!(own, folded.events);
    }
}

#[tokio::test]
async fn a_batch_is_cut_by_bytes_too() {
    let bed = Bed::start().await;
    put(&bed, 0, 10).await;
    let mut tail = bed.log.tail(1).await.unwrap();
    let limit = BatchLimit {
        events: 100,
        bytes: 1,
    };
    for expected in 1..=20 {
        let batch = tail.next_batch(limit).await.unwrap();
        assert_eq!(sequences(&batch), [expected]);
    }
}

#[tokio::test]
async fn it_goes_on_where_it_was_after_each_restart() {
    let mut bed = Bed::start().await;
    put(&bed, 0, 5).await;
    let mut tail = bed.log.tail(1).await.unwrap();
    let mut all = read(&mut tail, 10).await;
    for round in 1..4_u128 {
        let other = bed.another().await;
        bed.servers.nats().kill().await.unwrap();
        bed.servers.nats().restart().await.unwrap();
        other.connected().await;
        bed.log.connected().await;
        put(&bed, round * 5, 5).await;
        let until = 10 + u64::try_from(round).unwrap() * 10;
        all.extend(read(&mut tail, until).await);
    }
    assert_eq!(sequences(&all), (1..=40).collect::<Vec<u64>>());
}

/// The client's ordered consumer fails this: made behind the end and idle, it begins at 1 again.
#[tokio::test]
async fn an_idle_tail_does_not_begin_anew_after_a_restart() {
    let mut bed = Bed::start().await;
    put(&bed, 0, 5).await;
    let mut tail = bed.log.tail(11).await.unwrap();
    bed.servers.nats().kill().await.unwrap();
    bed.servers.nats().restart().await.unwrap();
    bed.log.connected().await;
    put(&bed, 5, 1).await;
    assert_eq!(sequences(&read(&mut tail, 12).await), [11, 12]);
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let bed = Bed::start().await;
    let mut tail = bed.log.tail(1).await.unwrap();
    let writing = put(&bed, 0, 100);
    let reading = async {
        let mut all = Vec::new();
        while tail.last_sequence() < 200 {
            let wait = std::time::Duration::from_micros(300);
            if let Ok(batch) = tokio::time::timeout(wait, tail.next_batch(LIMIT)).await {
                all.extend(batch.unwrap());
            }
        }
        all
    };
    let ((), all) = tokio::join!(writing, reading);
    assert_eq!(sequences(&all), (1..=200).collect::<Vec<u64>>());
}

#[tokio::test]
async fn it_stops_at_what_it_cannot_read() {
    let mut bed = Bed::start().await;
    put(&bed, 0, 2).await;
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let stream = async_nats::jetstream::new(client);
    stream
        .publish(subject::status(id(0)), r#"{"v":2,"type":"later"}"#.into())
        .await
        .unwrap()
        .await
        .unwrap();
    put(&bed, 2, 1).await;
    let mut tail = bed.log.tail(1).await.unwrap();
    assert_eq!(sequences(&read(&mut tail, 4).await), [1, 2, 3, 4]);
    for _ in 0..2 {
        let error = tail.next_batch(LIMIT).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Unreadable { sequence: 5, .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_log_that_ends_before_the_reader_is_not_the_readers_log() {
    let bed = Bed::start().await;
    put(&bed, 0, 1).await;
    let error = bed.log.tail(10).await.err().expect("too short");
    assert!(
        matches!(error, ReadError::ShorterThanRead { last: 2, read: 9 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn big_messages_pass_one_by_one() {
    let bed = Bed::start().await;
    let mut large = submission("c", Priority::Api);
    large.files[0].content = runlog_schemas::Data(vec![b'x'; 3_000_000]);
    for number in 0..5 {
        bed.log
            .append_submission(id(number), &large, 1)
            .await
            .unwrap();
    }
    bed.log
        .append_status(id(0), 0, &event(Change::Expired))
        .await
        .unwrap();
    let mut tail = bed.log.tail(1).await.unwrap();
    assert_eq!(sequences(&read(&mut tail, 6).await), [1, 2, 3, 4, 5, 6]);
    let folded = bed
        .log
        .read_execution(id(0), Freshness::Leader)
        .await
        .unwrap();
    assert_eq!(folded.unwrap().events.len(), 2);
}

//! Recordings that are too large for a row stand in the object store, and live as long as the row.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use runlog_projector::{Clock, Config, rebuild};
use runlog_schemas::{OutputBatch, subject};

use crate::bed::{Bed, Projector, TestResult, assert_same};
use crate::stories::{id, tell};

/// Nearly every recording is large.
fn impatient(bed: &Bed) -> Config {
    let mut config = bed.config();
    config.inline_bytes = 200;
    config
}

/// How many recordings stand in the store, and how many in rows.
async fn places(bed: &Bed) -> anyhow::Result<(i64, i64)> {
    let sql = "SELECT count(object), count(*) - count(object) FROM recordings";
    let row = bed.client().await?.query_one(sql, &[]).await?;
    Ok((row.get(0), row.get(1)))
}

#[tokio::test]
async fn large_recordings_are_whole_after_their_output_has_left_the_log() -> TestResult {
    let mut bed = Bed::start().await?;
    let projector = Projector::start(impatient(&bed), bed.log.clone());
    tell(&bed.log, 0..220).await?;
    bed.until_folded().await?;
    projector.stop().await?;
    let (in_store, in_rows) = places(&bed).await?;
    assert!(in_store > 20 && in_rows > 20, "{in_store} and {in_rows}");
    let before = bed.dump().await?;

    // While the log is whole, the same objects are made again.
    let client = bed.client().await?;
    client.batch_execute("DROP SCHEMA runlog CASCADE").await?;
    rebuild(&impatient(&bed), &bed.log, |_| {}).await?;
    assert_same(&before, &bed.dump().await?);

    let last = bed.log.bounds(subject::OUTPUT).await?.last_sequence;
    bed.purge(subject::OUTPUT, last + 1).await?;
    let done = rebuild(&impatient(&bed), &bed.log, |_| {}).await?;
    assert_eq!(done.incomplete, 0);
    assert_same(&before, &bed.dump().await?);

    let sql = "SELECT object, chunks, body FROM recordings WHERE object IS NOT NULL";
    for row in bed.client().await?.query(sql, &[]).await? {
        let (name, chunks): (&str, i64) = (row.get(0), row.get(1));
        assert_eq!(row.get::<_, &[u8]>(2), b"");
        let body = bed.log.read_object(name).await?.expect("it is there");
        assert!(body.len() > 200);
        let text = zstd::decode_all(body.as_slice())?;
        let mut found = 0;
        for line in text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            found += serde_json::from_slice::<OutputBatch>(line)?.chunks.len();
        }
        assert_eq!(i64::try_from(found)?, chunks);
    }
    Ok(())
}

#[tokio::test]
async fn a_full_store_leaves_recordings_in_their_rows() -> TestResult {
    let mut bed = Bed::start().await?;
    let client = async_nats::connect(bed.servers.nats().url()).await?;
    let context = jetstream::new(client);
    let mut stream = context.get_stream("OBJ_RECORDINGS").await?;
    let mut config = stream.info().await?.config.clone();
    config.max_messages = 10;
    context.update_stream(config).await?;
    let projector = Projector::start(impatient(&bed), bed.log.clone());
    tell(&bed.log, 0..110).await?;
    bed.until_folded().await?;
    let (in_store, in_rows) = places(&bed).await?;
    assert!(
        (1..=5).contains(&in_store) && in_rows > 20,
        "{in_store} and {in_rows}"
    );
    let sql = "SELECT bool_and(complete) FROM recordings";
    assert!(
        bed.client()
            .await?
            .query_one(sql, &[])
            .await?
            .get::<_, bool>(0)
    );
    projector.stop().await
}

#[tokio::test]
async fn objects_that_no_recording_names_are_removed() -> TestResult {
    let bed = Bed::start().await?;
    let mut config = impatient(&bed);
    config.clean_interval = Duration::from_millis(20);
    config.archive_interval = Duration::from_millis(20);
    let now_ms = Arc::new(AtomicU64::new(0));
    let now = Arc::clone(&now_ms);
    config.clock = Clock::new(move || now.load(Ordering::Relaxed));
    let projector = Projector::start(config, bed.log.clone());
    tell(&bed.log, 0..110).await?;
    bed.until_folded().await?;
    let names = async || -> anyhow::Result<BTreeSet<String>> {
        let objects = bed.log.list_objects().await?;
        Ok(objects.into_iter().map(|it| it.name).collect())
    };
    let named = names().await?;
    assert!(named.len() > 10);
    // What gave way to another one, what was never stored, and what is of somebody else.
    let mut expected = named.clone();
    let of_a_row = named.first().expect("there are some");
    let (id_of_a_row, _) = of_a_row.rsplit_once('-').expect("an id and a digest");
    bed.log
        .put_object(&format!("{id_of_a_row}-00"), b"1")
        .await?;
    bed.log.put_object(&format!("{}-00", id(999)), b"2").await?;
    bed.log.put_object("other", b"3").await?;
    expected.insert("other".to_owned());
    // By now the hour has passed in which they might still be wanted.
    let later_ms = Clock::system().now_ms() + 2 * 3_600_000;
    now_ms.store(later_ms, Ordering::Relaxed);
    while names().await? != expected {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    projector.stop().await
}

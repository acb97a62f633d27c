//! Recordings that are too large for a row stand in the object store, and live as long as the row.

use async_nats::jetstream;
use runlog_projector::{Config, rebuild};
use runlog_schemas::{OutputBatch, subject};

use crate::bed::{Bed, Projector, TestResult, assert_same};
use crate::stories::tell;

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

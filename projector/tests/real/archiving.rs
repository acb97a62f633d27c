//! Recordings are stored, whole or with what is missing in words.

use async_nats::jetstream;
use runlog_schemas::{
    Chunk, ChunkKind, Data, ExecutionId, Outcome, OutputBatch, OutputDigest, subject,
};
use tokio_postgres::{Client, Row};

use crate::bed::{Bed, TestResult};
use crate::stories::{Story, id, tell};

async fn recording(client: &Client, id: ExecutionId) -> anyhow::Result<Row> {
    Ok(client
        .query_one("SELECT * FROM recordings WHERE id = $1", &[&id.as_uuid()])
        .await?)
}

fn lines(row: &Row) -> anyhow::Result<Vec<OutputBatch>> {
    unpack(row.get("body"))
}

fn unpack(body: &[u8]) -> anyhow::Result<Vec<OutputBatch>> {
    let text = zstd::decode_all(body)?;
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Ok(serde_json::from_slice(line)?))
        .collect()
}

#[tokio::test]
async fn the_attempt_that_ended_it_is_stored_once_and_in_order() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    // A worker was lost, came back, and repeated itself.
    tell(&bed.log, 4..5).await?;
    bed.until_folded().await?;
    let row = recording(&bed.client().await?, id(4)).await?;
    assert_eq!(row.get::<_, i32>("attempt"), 2);
    assert_eq!(row.get::<_, i64>("chunks"), 7);
    assert!(row.get::<_, bool>("complete"));
    assert_eq!(row.get::<_, Option<&str>>("problem"), None);
    let batches = lines(&row)?;
    let numbers: Vec<u64> = batches
        .iter()
        .flat_map(|batch| &batch.chunks)
        .map(|chunk| chunk.number)
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
    assert!(batches.iter().all(|batch| batch.attempt == 2));
    assert_eq!(projector.metric("recordings_total"), 1.0);
    projector.stop().await
}

#[tokio::test]
async fn output_that_has_left_the_log_is_marked_and_not_tried_again() -> TestResult {
    let mut bed = Bed::start().await?;
    let mut story = Story::new(&bed.log, 0);
    story.submit().await?;
    story.start(1).await?;
    let output = story.write(1, 9, false).await?;
    let last = output.last_sequence.expect("it wrote");
    story.finish(1, Outcome::Exited { code: 0 }, output).await?;
    bed.purge(subject::OUTPUT, last).await?;

    let projector = bed.projector();
    bed.until_folded().await?;
    let client = bed.client().await?;
    let row = recording(&client, id(0)).await?;
    assert!(!row.get::<_, bool>("complete"));
    assert_eq!(
        row.get::<_, &str>("problem"),
        "6 of 9 chunks have left the log, the first of them 0 to 5"
    );
    assert_eq!(lines(&row)?.len(), 1);
    projector.stop().await
}

#[tokio::test]
async fn other_bytes_than_promised_are_told() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    let mut story = Story::new(&bed.log, 0);
    story.submit().await?;
    story.start(1).await?;
    let mut output = story.write(1, 9, false).await?;
    output.stderr.sha256 = "0".repeat(64);
    story.finish(1, Outcome::Exited { code: 0 }, output).await?;
    bed.until_folded().await?;
    let row = recording(&bed.client().await?, id(0)).await?;
    let problem = row.get::<_, &str>("problem");
    assert!(problem.starts_with("standard error has "), "{problem}");
    assert_eq!(lines(&row)?.len(), 3);
    projector.stop().await
}

#[tokio::test]
async fn an_unreadable_message_holds_up_its_own_recording_alone() -> TestResult {
    let mut bed = Bed::start().await?;
    let client = async_nats::connect(bed.servers.nats().url()).await?;
    let newer = r#"{"v":2,"attempt":1,"chunks":[]}"#;
    jetstream::new(client)
        .publish(subject::output(id(11)), newer.into())
        .await?
        .await?;
    tell(&bed.log, 11..17).await?;
    let projector = bed.projector();
    bed.until(
        "SELECT (SELECT count(*) FROM recordings) = 4 AND (SELECT count(*) FROM recordings_due) = 1",
    )
    .await?;
    projector.stop().await
}

#[tokio::test]
async fn sixteen_megabytes_of_noise_are_stored() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    let mut story = Story::new(&bed.log, 0);
    story.submit().await?;
    story.start(1).await?;
    let mut digest = OutputDigest::default();
    let mut noise = 1_u64;
    let mut last = None;
    for number in 0..1024 {
        let bytes = std::iter::repeat_with(|| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_le_bytes()[0]
        });
        let chunk = Chunk {
            number,
            at_us: number,
            what: ChunkKind::Stdout {
                data: Data(bytes.take(16 << 10).collect()),
            },
        };
        digest.push(&chunk);
        let batch = OutputBatch {
            attempt: 1,
            chunks: vec![chunk],
        };
        last = Some(bed.log.append_output(id(0), &batch).await?);
    }
    let output = digest.finish(last);
    story.finish(1, Outcome::Exited { code: 0 }, output).await?;
    bed.until_folded().await?;
    let row = recording(&bed.client().await?, id(0)).await?;
    assert!(row.get::<_, bool>("complete"));
    assert_eq!(row.get::<_, i64>("bytes"), 16 << 20);
    // It does not get smaller, so it is not in the row.
    assert_eq!(row.get::<_, &[u8]>("body"), b"");
    let object = bed.log.read_object(row.get("object")).await?;
    let body = object.expect("the object store has it");
    assert_eq!(unpack(&body)?.len(), 1024);
    projector.stop().await
}

//! Programs that were shared are kept, and can be made again from the log.

use runlog_projector::{Error, rebuild};
use runlog_schemas::{
    Data, ExecutionId, Limits, Snippet, SnippetId, SnippetRun, SourceFile, subject,
};

use crate::bed::{Bed, Projector, TestResult, assert_same};

fn snippet(number: u128) -> Snippet {
    let run = number.is_multiple_of(3).then(|| SnippetRun {
        execution_id: ExecutionId::from_uuid(uuid::Uuid::from_u128(number)),
        same_program: number.is_multiple_of(2),
    });
    Snippet {
        title: number
            .is_multiple_of(2)
            .then(|| format!("number {number}\0")),
        run,
        language: "python".to_owned(),
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data(format!("print({number})\u{0}").into_bytes()),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
    }
}

async fn share(bed: &Bed, numbers: std::ops::Range<u128>) -> TestResult {
    for number in numbers {
        let id = SnippetId::from_bits((number << 64) | 0xfeed);
        bed.log.append_snippet(id, &snippet(number), 7).await?;
    }
    Ok(())
}

async fn until_kept(bed: &Bed) -> TestResult {
    let last = bed.log.bounds(subject::SNIPPETS).await?.last_sequence;
    bed.until(&format!(
        "SELECT coalesce(max(sequence), 0) >= {last} FROM snippets"
    ))
    .await
}

#[tokio::test]
async fn what_is_shared_is_kept_and_the_same_again_after_a_rebuild() -> TestResult {
    let mut bed = Bed::start().await?;
    let projector = bed.projector();
    // More than one page of the log.
    share(&bed, 0..400).await?;
    until_kept(&bed).await?;
    // And while it waits for more.
    share(&bed, 400..410).await?;
    until_kept(&bed).await?;
    projector.stop().await?;
    let before = bed.dump().await?;
    assert_eq!(
        before
            .iter()
            .filter(|row| row.starts_with("snippets"))
            .count(),
        410
    );

    // Nothing of the old tables may be needed while the log is whole.
    let client = bed.client().await?;
    client.batch_execute("DROP SCHEMA runlog CASCADE").await?;
    rebuild(&bed.config(), &bed.log, |_| {}).await?;
    assert_same(&before, &bed.dump().await?);

    // The middle of what is there, then all of it, leaves the log.
    for keep_from in [200, 411] {
        bed.purge(subject::SNIPPETS, keep_from).await?;
        rebuild(&bed.config(), &bed.log, |_| {}).await?;
        assert_same(&before, &bed.dump().await?);
    }
    let projector = bed.projector();
    share(&bed, 410..420).await?;
    until_kept(&bed).await?;
    assert_eq!(bed.dump().await?.len(), before.len() + 10);
    projector.stop().await
}

#[tokio::test]
async fn nothing_is_lost_while_it_rebuilds() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    let sharing = share(&bed, 0..300);
    let rebuilding = async {
        for _ in 0..5 {
            rebuild(&bed.config(), &bed.log, |_| {}).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(sharing, rebuilding)?;
    until_kept(&bed).await?;
    projector.stop().await?;
    let kept = bed.dump().await?;
    assert_eq!(
        kept.iter()
            .filter(|row| row.starts_with("snippets"))
            .count(),
        300
    );
    Ok(())
}

#[tokio::test]
async fn a_full_stream_gets_room_once_its_front_is_kept() -> TestResult {
    let bed = Bed::start().await?;
    let mut config = bed.config();
    config.trim_interval = std::time::Duration::from_millis(20);
    let mut servers = bed;
    limit(&mut servers, 40).await?;
    share(&servers, 0..40).await?;
    let projector = Projector::start(config, servers.log.clone());
    while servers.log.bounds(subject::SNIPPETS).await?.messages > 20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    share(&servers, 40..60).await?;
    until_kept(&servers).await?;
    projector.stop().await?;
    let kept = servers.dump().await?;
    assert_eq!(
        kept.iter()
            .filter(|row| row.starts_with("snippets"))
            .count(),
        60
    );
    Ok(())
}

/// Lets the stream hold so many messages.
async fn limit(bed: &mut Bed, messages: i64) -> TestResult {
    let client = async_nats::connect(bed.servers.nats().url()).await?;
    let context = async_nats::jetstream::new(client);
    let mut stream = context.get_stream(subject::SNIPPETS).await?;
    let mut config = stream.info().await?.config.clone();
    config.max_messages = messages;
    context.update_stream(config).await?;
    Ok(())
}

#[tokio::test]
async fn a_log_that_ends_before_what_was_kept_is_refused_by_a_rebuild() -> TestResult {
    let mut bed = Bed::start().await?;
    share(&bed, 0..5).await?;
    let projector = bed.projector();
    until_kept(&bed).await?;
    let client = async_nats::connect(bed.servers.nats().url()).await?;
    let context = async_nats::jetstream::new(client);
    let config = context
        .get_stream(subject::SNIPPETS)
        .await?
        .cached_info()
        .config
        .clone();
    context.delete_stream(subject::SNIPPETS).await?;
    context.create_stream(config).await?;
    // Whatever is shared now would be taken for what was before.
    projector.until_metric("failures_total", 1.0).await;
    projector.stop().await?;
    let before = bed.dump().await?;
    let refused = rebuild(&bed.config(), &bed.log, |_| {}).await;
    assert!(
        matches!(refused, Err(Error::LogIsShorter { .. })),
        "{refused:?}"
    );
    assert_same(&before, &bed.dump().await?);
    Ok(())
}

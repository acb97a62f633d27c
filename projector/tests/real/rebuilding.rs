//! The tables can be made again from the log, byte for byte.

use runlog_projector::{Error, rebuild};
use runlog_schemas::subject;

use crate::bed::{Bed, TestResult, assert_same};
use crate::stories::tell;

const MANY: u64 = 3_300;

#[tokio::test]
async fn thousands_of_executions_are_the_same_again() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..MANY).await?;
    bed.until_folded().await?;
    projector.stop().await?;
    let before = bed.dump().await?;

    // Nothing of the old tables may be needed while the log is whole.
    bed.client()
        .await?
        .batch_execute("DROP SCHEMA runlog CASCADE")
        .await?;
    let mut told = Vec::new();
    let done = rebuild(&bed.config(), &bed.log, |progress| told.push(progress)).await?;
    assert_same(&before, &bed.dump().await?);
    assert_eq!(done.folded, bed.log.last_sequence().await?);
    assert_eq!((done.copied, done.incomplete), (0, 0));
    assert!(told.is_sorted_by_key(|progress| (progress.folded, progress.recordings)));
    Ok(())
}

#[tokio::test]
async fn what_has_left_the_log_is_kept() -> TestResult {
    let mut bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..550).await?;
    bed.until_folded().await?;
    projector.stop().await?;
    let before = bed.dump().await?;

    let lasts = bed.log.last_sequence().await?;
    let output = bed.log.bounds(subject::OUTPUT).await?.last_sequence;
    // Into the middle of executions and of recordings, then all there is.
    for part in [3, 2, 1] {
        bed.purge(subject::EXECUTIONS, lasts / part + 1).await?;
        bed.purge(subject::OUTPUT, output / part + 1).await?;
        let done = rebuild(&bed.config(), &bed.log, |_| {}).await?;
        assert_same(&before, &bed.dump().await?);
        assert!(done.copied > 0);
        assert_eq!(done.incomplete, 0);
    }
    // And the fold goes on behind it.
    let projector = bed.projector();
    tell(&bed.log, 550..600).await?;
    bed.until_folded().await?;
    assert!(bed.dump().await?.len() > before.len());
    assert_eq!(projector.metric("events_lost_total"), 0.0);
    projector.stop().await
}

#[tokio::test]
async fn nothing_stops_while_it_rebuilds() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..220).await?;
    let telling = tell(&bed.log, 220..1_100);
    let rebuilding = async {
        for _ in 0..5 {
            rebuild(&bed.config(), &bed.log, |_| {}).await?;
        }
        anyhow::Ok(())
    };
    let reading = async {
        // One statement, made before all swaps, as an edge keeps it.
        let client = bed.client().await?;
        let count = client.prepare("SELECT count(*) FROM executions").await?;
        let mut last = 0;
        for _ in 0..200 {
            let now = client.query_one(&count, &[]).await?.get::<_, i64>(0);
            assert!(now >= last, "history went back from {last} to {now}");
            last = now;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(telling, rebuilding, reading)?;
    bed.until_folded().await?;
    projector.stop().await?;
    let live = bed.dump().await?;
    rebuild(&bed.config(), &bed.log, |_| {}).await?;
    assert_same(&live, &bed.dump().await?);
    Ok(())
}

#[tokio::test]
async fn there_is_one_rebuild_at_a_time_and_one_broken_off_leaves_no_trace() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..220).await?;
    bed.until_folded().await?;
    let before = bed.dump().await?;

    let (config, mut refused) = (bed.config(), None);
    let mut slow = config.clone();
    slow.batch.events = 1;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    tokio::select! {
        done = rebuild(&slow, &bed.log, |_| {
            begun.take().map(|begun| begun.send(()));
        }) => anyhow::bail!("it was too fast to be broken off: {done:?}"),
        () = async {
            let _ = has_begun.await;
            refused = Some(rebuild(&config, &bed.log, |_| {}).await);
        } => {}
    }
    assert!(matches!(refused, Some(Err(Error::AnotherRebuild))));
    assert_same(&before, &bed.dump().await?);
    // The server may not have noticed yet that the first one is gone.
    loop {
        match rebuild(&config, &bed.log, |_| {}).await {
            Err(Error::AnotherRebuild) => tokio::task::yield_now().await,
            done => break done.map(|_| ())?,
        }
    }
    assert_same(&before, &bed.dump().await?);
    let client = bed.client().await?;
    let row = client
        .query_one(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'runlog%'",
            &[],
        )
        .await?;
    assert_eq!(row.get::<_, i64>(0), 1);
    projector.stop().await
}

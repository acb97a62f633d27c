//! Whatever dies, the rows are in the end what the log says.

use async_nats::jetstream;
use runlog_nats::{Log, LogConfig, ReadError};
use runlog_projector::{Error, rebuild};
use runlog_schemas::{Vocabulary, subject};

use crate::bed::{Bed, Projector, TestResult, assert_same};
use crate::stories::{id, tell};

/// Compares the tables with ones that are made from the log in one go.
async fn check(bed: &Bed) -> TestResult {
    bed.until_folded().await?;
    let found = bed.dump().await?;
    assert!(!found.is_empty());
    rebuild(&bed.config(), &bed.log, |_| {}).await?;
    assert_same(&found, &bed.dump().await?);
    Ok(())
}

#[tokio::test]
async fn a_projector_may_be_killed_anywhere() -> TestResult {
    let bed = Bed::start().await?;
    let mut config = bed.config();
    config.batch.events = 7;
    let telling = tell(&bed.log, 0..330);
    let killing = async {
        for round in 0..40_u32 {
            let projector = Projector::start(config.clone(), bed.log.clone());
            let events = f64::from(round % 5);
            tokio::select! {
                () = projector.until_metric("events_total", events * 7.0) => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {}
            }
            projector.kill().await;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(telling, killing)?;
    let projector = bed.projector();
    check(&bed).await?;
    projector.stop().await
}

#[tokio::test]
async fn a_lost_connection_is_made_again() -> TestResult {
    let bed = Bed::start().await?;
    let mut config = bed.config();
    config.batch.events = 3;
    let projector = Projector::start(config, bed.log.clone());
    let telling = tell(&bed.log, 0..220);
    let cutting = async {
        let client = bed.client().await?;
        for failures in 1..20 {
            projector.until_metric("active", 1.0).await;
            while projector.metric("failures_total") < f64::from(failures) {
                client
                    .execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE application_name = 'runlog-projector'",
                        &[],
                    )
                    .await?;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
        anyhow::Ok(())
    };
    tokio::try_join!(telling, cutting)?;
    check(&bed).await?;
    projector.stop().await
}

#[tokio::test]
async fn postgres_may_go_away_and_come_back() -> TestResult {
    let mut bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..33).await?;
    bed.until_folded().await?;
    bed.servers.postgres().stop().await?;
    tell(&bed.log, 33..66).await?;
    projector.until_metric("failures_total", 3.0).await;
    bed.servers.postgres().restart().await?;
    bed.until_folded().await?;
    bed.servers.postgres().kill().await?;
    tell(&bed.log, 66..99).await?;
    bed.servers.postgres().restart().await?;
    check(&bed).await?;
    projector.stop().await
}

#[tokio::test]
async fn nats_may_go_away_and_come_back() -> TestResult {
    let mut bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..33).await?;
    bed.until_folded().await?;
    bed.servers.nats().kill().await?;
    bed.servers.nats().restart().await?;
    bed.log.connected().await;
    tell(&bed.log, 33..66).await?;
    check(&bed).await?;
    projector.stop().await
}

#[tokio::test]
async fn a_second_projector_stands_by_and_takes_over() -> TestResult {
    let bed = Bed::start().await?;
    let first = bed.projector();
    first.until_metric("active", 1.0).await;
    let second = bed.projector();
    tell(&bed.log, 0..55).await?;
    bed.until_folded().await?;
    assert_eq!(second.metric("active"), 0.0);
    assert_eq!(second.metric("events_total"), 0.0);
    first.kill().await;
    second.until_metric("active", 1.0).await;
    tell(&bed.log, 55..99).await?;
    check(&bed).await?;
    assert!(second.metric("events_total") > 0.0);
    second.stop().await
}

#[tokio::test]
async fn what_a_newer_version_wrote_stops_it_and_is_never_skipped() -> TestResult {
    let mut bed = Bed::start().await?;
    tell(&bed.log, 0..3).await?;
    let last = bed.log.last_sequence().await?;
    let client = async_nats::connect(bed.servers.nats().url()).await?;
    let context = jetstream::new(client);
    let newer = r#"{"v":1,"at_ms":1,"type":"teleported"}"#;
    let publish = context.publish(subject::status(id(0)), newer.into());
    let unreadable = publish.await?.await?.sequence;
    tell(&bed.log, 3..5).await?;

    let mut projector = bed.projector();
    let error = projector.failed().await?;
    assert!(matches!(error, Error::Log(_)), "{error:?}");
    assert!(!error.is_passing());
    assert_eq!(projector.metric("poison"), 1.0);
    let client = bed.client().await?;
    let row = client
        .query_one("SELECT last_sequence FROM projector_checkpoints", &[])
        .await?;
    assert_eq!(u64::try_from(row.get::<_, i64>(0))?, last);

    // Once it is gone, the next projector goes on.
    bed.purge(subject::EXECUTIONS, unreadable + 1).await?;
    let projector = bed.projector();
    bed.until_folded().await?;
    assert_eq!(projector.metric("events_lost_total"), 1.0);
    projector.stop().await
}

#[tokio::test]
async fn a_newer_projector_goes_on_where_an_older_one_stopped() -> TestResult {
    let mut bed = Bed::start().await?;
    tell(&bed.log, 0..55).await?;
    let older = LogConfig {
        vocabulary: Vocabulary::before("dead"),
        ..LogConfig::new(bed.servers.nats().url(), "older")
    };
    let older = Log::connect(&older).await?;
    let mut projector = Projector::start(bed.config(), older.clone());
    let error = projector.failed().await?;
    let Error::Log(ReadError::Unreadable { sequence, .. }) = error else {
        anyhow::bail!("it stopped for another reason: {error:?}");
    };
    assert_eq!(projector.metric("poison"), 1.0);
    // Started again, it stops at the same place.
    let mut projector = Projector::start(bed.config(), older);
    projector.failed().await?;
    let client = bed.client().await?;
    let row = client
        .query_one("SELECT last_sequence FROM projector_checkpoints", &[])
        .await?;
    assert_eq!(u64::try_from(row.get::<_, i64>(0))?, sequence - 1);

    let projector = bed.projector();
    check(&bed).await?;
    assert_eq!(projector.metric("poison"), 0.0);
    assert_eq!(projector.metric("events_lost_total"), 0.0);
    projector.stop().await
}

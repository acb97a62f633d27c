//! What waits too long in the queue is ended through the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runlog_nats::Freshness;
use runlog_projector::Clock;
use runlog_schemas::{Change, Outcome, subject};

use crate::bed::{Bed, Projector, TestResult};
use crate::stories::{Story, id, tell};

const NOON: u64 = 1_700_000_000_000;

#[tokio::test]
async fn only_what_waits_too_long_is_expired() -> TestResult {
    let bed = Bed::start().await?;
    let clock = Arc::new(AtomicU64::new(NOON));
    let mut config = bed.config();
    config.clock = Clock::new({
        let clock = Arc::clone(&clock);
        move || clock.load(Ordering::SeqCst)
    });
    let projector = Projector::start(config, bed.log.clone());

    // Waits from noon on.
    Story::new(&bed.log, 0).submit().await?;
    // Runs.
    let mut runs = Story::new(&bed.log, 1);
    runs.submit().await?;
    runs.start(1).await?;
    // Was cancelled.
    tell(&bed.log, 2..3).await?;
    // Waits for its second attempt, until two seconds later.
    let mut retried = Story::new(&bed.log, 3);
    retried.submit().await?;
    retried.start(1).await?;
    retried
        .add(Change::Retried {
            attempt: 1,
            reason: "no cell".to_owned(),
            not_before_ms: NOON + 2_000,
            handed_back: false,
        })
        .await?;
    bed.until_folded().await?;

    clock.store(NOON + 59_999, Ordering::SeqCst);
    bed.until("SELECT count(*) = 2 FROM executions WHERE state = 'queued'")
        .await?;
    clock.store(NOON + 60_000, Ordering::SeqCst);
    bed.until("SELECT count(*) = 1 FROM executions WHERE state = 'queued'")
        .await?;
    clock.store(NOON + 62_000, Ordering::SeqCst);
    bed.until("SELECT count(*) = 0 FROM executions WHERE state = 'queued'")
        .await?;
    projector.until_metric("expired_total", 2.0).await;
    projector.stop().await?;

    for (number, at_ms) in [(0, NOON + 60_000), (3, NOON + 62_000)] {
        let folded = bed
            .log
            .read_execution(id(number), Freshness::Leader)
            .await?;
        let folded = folded.expect("it was submitted");
        let end = folded.execution.end().expect("it ended");
        assert_eq!((&end.outcome, end.at_ms), (&Outcome::Expired, at_ms));
        let (_, last) = folded.events.last().expect("it has events");
        assert_eq!(last.change, Change::Expired);
    }
    let folded = bed.log.read_execution(id(1), Freshness::Leader).await?;
    assert_eq!(folded.expect("it was submitted").events.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_submission_that_left_the_log_expires_too() -> TestResult {
    let mut bed = Bed::start().await?;
    let mut config = bed.config();
    config.clock = Clock::new(|| NOON);
    let projector = Projector::start(config.clone(), bed.log.clone());
    Story::new(&bed.log, 0).submit().await?;
    bed.until_folded().await?;
    projector.stop().await?;
    bed.purge(subject::EXECUTIONS, 2).await?;
    assert_eq!(
        bed.log.read_execution(id(0), Freshness::Leader).await?,
        None
    );

    config.clock = Clock::new(|| NOON + 60_000);
    let projector = Projector::start(config, bed.log.clone());
    bed.until("SELECT outcome = 'expired' FROM executions")
        .await?;
    projector.stop().await
}

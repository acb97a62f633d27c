//! Dead letters are counted, for whoever is alarmed by them.

use std::time::Duration;

use runlog_nats::{DeadLetter, Redriven};
use runlog_projector::Clock;
use runlog_schemas::ExecutionId;

use crate::bed::{Bed, Projector, TestResult};

fn id(number: u128) -> ExecutionId {
    ExecutionId::from_uuid(uuid::Uuid::from_u128(number))
}

/// Waits until so many wait, and the oldest of them for so many seconds.
async fn until(projector: &Projector, count: f64, oldest_s: f64) {
    let told = || {
        let age = projector.metric("dead_letter_oldest_age_seconds");
        (projector.metric("dead_letters"), age)
    };
    while told() != (count, oldest_s) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn letters_are_counted_by_the_active_projector_until_they_are_tried_again_or_dropped()
-> TestResult {
    let bed = Bed::start().await?;
    let start = || {
        let mut config = bed.config();
        config.letters_interval = Duration::from_millis(20);
        config.clock = Clock::new(|| 100_000);
        Projector::start(config, bed.log.clone())
    };
    let active = start();
    active.until_metric("active", 1.0).await;
    let standby = start();
    for (number, at_ms) in [(1, 40_000), (2, 10_000), (3, 70_000)] {
        let letter = DeadLetter {
            at_ms,
            attempts: 3,
            reason: "the machine burns".to_owned(),
            submission_sequence: 1,
            redriven: None,
        };
        bed.log
            .append_dead_letter("python", id(number), &letter)
            .await?;
    }
    until(&active, 3.0, 90.0).await;
    assert!(
        standby.metric("dead_letters") < 1.0,
        "they are counted once"
    );
    let oldest = bed.log.dead_letter(id(2)).await?;
    let oldest = oldest.ok_or_else(|| anyhow::anyhow!("it was stored"))?;
    let redriven = Redriven {
        to: id(4),
        at_ms: 100_000,
    };
    bed.log.mark_redriven(&oldest, redriven).await?;
    until(&active, 2.0, 60.0).await;
    bed.log.drop_dead_letter(id(1)).await?;
    until(&active, 1.0, 30.0).await;
    // Who stands by goes on with it.
    active.stop().await?;
    until(&standby, 1.0, 30.0).await;
    bed.log.drop_dead_letter(id(3)).await?;
    until(&standby, 0.0, 0.0).await;
    standby.stop().await
}

//! The log becomes rows.

use postgres_types::Json;
use runlog_nats::Freshness;
use runlog_schemas::{Change, Execution, decode_event};

use crate::bed::{Bed, TestResult};
use crate::stories::{self, KINDS, RECORDED_KINDS, id, submission, tell};

#[tokio::test]
async fn rows_are_what_the_log_says() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    tell(&bed.log, 0..110).await?;
    bed.until_folded().await?;

    let client = bed.client().await?;
    for number in 0..110 {
        let folded = bed
            .log
            .read_execution(id(number), Freshness::Leader)
            .await?
            .expect("it was submitted");
        let row = client
            .query_one(
                "SELECT * FROM executions WHERE id = $1",
                &[&id(number).as_uuid()],
            )
            .await?;
        let Json(execution) = row.get::<_, Json<Execution>>("execution");
        assert_eq!(execution, folded.execution, "story {}", number % KINDS);
        let last = folded.events.iter().map(|(sequence, _)| *sequence).max();
        assert_eq!(last, u64::try_from(row.get::<_, i64>("last_sequence")).ok());
        let origin = execution.origin.as_ref().expect("it was submitted");
        assert_eq!(row.get::<_, &str>("language"), origin.language);
        assert_eq!(
            row.get::<_, Option<&str>>("session"),
            origin.session.as_deref()
        );
        let outcome = execution.end().map(|end| end.outcome.name());
        assert_eq!(row.get::<_, Option<&str>>("outcome"), outcome);
        assert_eq!(row.get::<_, &str>("state") == "ended", outcome.is_some());
        let has_recording = RECORDED_KINDS.contains(&(number % KINDS));
        let row = client
            .query_one(
                "SELECT count(*) FROM recordings WHERE id = $1 AND complete",
                &[&id(number).as_uuid()],
            )
            .await?;
        assert_eq!(row.get::<_, i64>(0) == 1, has_recording);

        let row = client
            .query_one(
                "SELECT body FROM submissions WHERE id = $1",
                &[&id(number).as_uuid()],
            )
            .await?;
        let event = decode_event(&zstd::decode_all(row.get::<_, &[u8]>(0))?)?;
        let expected = Box::new(submission(number));
        assert_eq!(
            event.change,
            Change::Submitted {
                submission: expected
            }
        );
    }
    assert_eq!(projector.metric("events_ignored_total"), 20.0);
    assert_eq!(projector.metric("events_lost_total"), 0.0);
    projector.until_metric("active", 1.0).await;
    projector.stop().await
}

#[tokio::test]
async fn texts_that_postgres_cannot_hold_stop_nothing() -> TestResult {
    let bed = Bed::start().await?;
    let projector = bed.projector();
    let mut odd = submission(1);
    odd.session = Some("a\0b".to_owned());
    odd.queue_limit_ms = u64::MAX;
    bed.log.append_submission(id(1), &odd, u64::MAX).await?;
    bed.until_folded().await?;

    let client = bed.client().await?;
    let row = client
        .query_one(
            "SELECT session, submitted_at_ms, execution FROM executions",
            &[],
        )
        .await?;
    assert_eq!(row.get::<_, &str>(0), "a\u{fffd}b");
    assert_eq!(row.get::<_, i64>(1), i64::MAX);
    let Json(execution) = row.get::<_, Json<Execution>>(2);
    let origin = execution.origin.expect("it was submitted");
    assert_eq!(origin.session.as_deref(), Some("a\0b"));
    assert_eq!(origin.submitted_at_ms, u64::MAX);
    projector.stop().await
}

#[tokio::test]
async fn the_lag_is_told() -> TestResult {
    let bed = Bed::start().await?;
    stories::tell(&bed.log, 0..3).await?;
    let projector = bed.projector();
    bed.until_folded().await?;
    projector.stop().await?;

    stories::tell(&bed.log, 3..6).await?;
    // Something holds the row that the projector wants to write.
    let mut client = bed.client().await?;
    let blocker = client.transaction().await?;
    blocker
        .execute("SELECT * FROM projector_checkpoints FOR UPDATE", &[])
        .await?;
    let projector = bed.projector();
    projector.until_metric("lag_events", 3.0).await;
    blocker.rollback().await?;
    bed.until_folded().await?;
    while projector.metric("lag_events") > 0.0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    projector.stop().await
}

//! What happens when it is our fault.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use runlog_sandbox::fake::{Act, FakeEngine, Script};
use runlog_schemas::{MAX_ATTEMPTS, Outcome, OutputStream};

use crate::support::{Bed, SCRIPT, exit, plays, runs, submission, write};

/// An engine that breaks the first `breaks` runs and lets the rest end well.
fn breaks(breaks: u32) -> FakeEngine {
    let runs = AtomicU32::new(0);
    plays(move |_| {
        if runs.fetch_add(1, Ordering::Relaxed) < breaks {
            Script::Run(vec![write("lost"), Act::Break])
        } else {
            Script::Run(vec![write("kept")])
        }
    })
}

#[tokio::test]
async fn a_broken_attempt_is_followed_by_another() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(breaks(1)).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    let ended = bed.end(id).await;
    assert_eq!(
        ended.names(),
        ["submitted", "started", "retried", "started", "finished"]
    );
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    assert_eq!(ended.bytes(OutputStream::Stdout), b"kept");
    let attempts = &ended.execution.attempts;
    assert!(attempts[0].failure.as_ref().unwrap().contains("scripted"));
    let waited = attempts[1].started_at_ms - attempts[0].started_at_ms;
    assert!(waited >= 2_000, "{waited}");
    worker.stop().await;
}

#[tokio::test]
async fn after_the_last_attempt_it_is_dead() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(breaks(u32::MAX)).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    let ended = bed.end(id).await;
    let attempts = usize::try_from(MAX_ATTEMPTS).unwrap();
    assert_eq!(ended.execution.attempts.len(), attempts);
    assert_eq!(ended.names().last(), Some(&"dead"));
    assert!(matches!(ended.end().outcome, Outcome::SystemError { .. }));
    assert_eq!(ended.bytes(OutputStream::Stdout), b"lost");
    worker.stop().await;
    let letters = bed.log.bounds(runlog_schemas::subject::DEAD_LETTERS).await;
    assert_eq!(letters.unwrap().messages, 1);
}

#[tokio::test]
async fn a_cell_that_cannot_be_made_is_our_fault() {
    let mut bed = Bed::start().await;
    let engine = runs(vec![exit(0)]);
    let worker = bed.worker(engine.clone()).await;
    let first = bed.submit(&submission(SCRIPT)).await;
    bed.end(first).await;
    engine.break_next_cells(1);
    let id = bed.submit(&submission(SCRIPT)).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.execution.attempts.len(), 2);
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    worker.stop().await;
}

#[tokio::test]
async fn a_shutdown_lets_runs_finish() {
    let mut bed = Bed::start().await;
    let acts = vec![write("?"), Act::Sleep(Duration::from_millis(300)), exit(4)];
    let worker = bed.worker(runs(acts)).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    worker.stop().await;
    assert_eq!(bed.end(id).await.end().outcome, Outcome::Exited { code: 4 });
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_handed_back() {
    let mut bed = Bed::start().await;
    let worker = bed
        .worker_with(runs(vec![write("?"), Act::Forever]), |config| {
            config.grace = Duration::from_millis(50);
        })
        .await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    worker.stop().await;
    let second = bed.worker(runs(vec![write("second")])).await;
    let ended = bed.end(id).await;
    assert_eq!(
        ended.names(),
        ["submitted", "started", "retried", "started", "finished"]
    );
    let failure = ended.execution.attempts[0].failure.clone().unwrap();
    assert_eq!(failure, "the worker was shut down");
    assert!(ended.execution.attempts[0].handed_back);
    assert_eq!(ended.bytes(OutputStream::Stdout), b"second");
    second.stop().await;
}

//! Workers that die, hang, or come back late.

use std::time::Duration;

use runlog_sandbox::fake::{Act, FakeEngine, Script};
use runlog_schemas::{Change, Command, ExecutionEvent, Outcome, OutputStream, decide};

use crate::support::{Bed, SCRIPT, Worker, now_ms, plays, runs, submission, write};

const LEASE: u64 = 1;

impl Bed {
    /// A worker of that name whose idea of the lease is that of the queue.
    async fn another(&mut self, name: &str, engine: FakeEngine) -> Worker {
        let name = name.to_owned();
        self.worker_with(engine, move |config| {
            config.name = name;
            config.lease = Duration::from_secs(LEASE);
        })
        .await
    }
}

#[tokio::test]
async fn a_killed_workers_run_gets_its_next_attempt() {
    let mut bed = Bed::with_lease(LEASE).await;
    let first = bed
        .another("first", runs(vec![write("lost"), Act::Forever]))
        .await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    first.kill();
    let second = bed.another("second", runs(vec![write("kept")])).await;
    let ended = bed.end(id).await;
    assert_eq!(
        ended.names(),
        ["submitted", "started", "started", "finished"]
    );
    assert_eq!(ended.execution.attempts[1].worker, "second");
    assert_eq!(ended.bytes(OutputStream::Stdout), b"kept");
    second.stop().await;
}

#[tokio::test]
async fn a_worker_that_another_has_replaced_stops_without_a_word() {
    let mut bed = Bed::with_lease(LEASE).await;
    let engine = runs(vec![write("stale"), Act::Forever]);
    let first = bed.another("first", engine.clone()).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    // As if the first one had been paused beyond its lease: somebody starts the next attempt.
    let leader = runlog_nats::Freshness::Leader;
    let folded = bed.log.read_execution(id, leader).await.unwrap().unwrap();
    let start = Command::Start {
        worker: "second".to_owned(),
    };
    let event = decide(&folded.execution, start, now_ms()).unwrap().unwrap();
    let started = bed
        .log
        .append_status(id, folded.last_status_sequence, &event)
        .await
        .unwrap();
    // The first one finds out by its next look, and destroys its cell.
    while engine.cells_in_use() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    first.stop().await;
    let status = bed.log.read_status(id, 0, leader).await.unwrap();
    assert_eq!(
        status.last().unwrap().0,
        started,
        "nothing stands behind it"
    );
}

#[tokio::test]
async fn a_late_end_is_refused_by_the_log() {
    let mut bed = Bed::with_lease(10).await;
    let first = bed
        .worker(runs(vec![write("stale"), Act::AwaitInput]))
        .await;
    let mut submission = submission(SCRIPT);
    submission.interactive = true;
    let id = bed.submit(&submission).await;
    bed.until_output(id).await;
    let leader = runlog_nats::Freshness::Leader;
    let status = bed.log.read_status(id, 0, leader).await.unwrap();
    let event = ExecutionEvent {
        at_ms: now_ms(),
        change: Change::Started {
            attempt: 2,
            worker: "second".to_owned(),
        },
    };
    let started = bed
        .log
        .append_status(id, status[0].0, &event)
        .await
        .unwrap();
    // Its program ends before it has looked at the log again.
    let eof = runlog_schemas::control::ControlRequest::Eof;
    bed.log.control_request(id, &eof).await.unwrap();
    first.stop().await;
    let status = bed.log.read_status(id, 0, leader).await.unwrap();
    assert_eq!(status.last().unwrap().0, started);
}

#[tokio::test]
async fn a_cancelled_run_of_a_lost_worker_is_ended_with_its_output() {
    let mut bed = Bed::with_lease(LEASE).await;
    let first = bed
        .another("first", runs(vec![write("seen"), Act::Forever]))
        .await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    first.kill();
    let leader = runlog_nats::Freshness::Leader;
    let status = bed.log.read_status(id, 0, leader).await.unwrap();
    let event = ExecutionEvent {
        at_ms: now_ms(),
        change: Change::CancelRequested,
    };
    bed.log
        .append_status(id, status[0].0, &event)
        .await
        .unwrap();
    let second = bed.another("second", runs(vec![write("no")])).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.end().outcome, Outcome::Cancelled);
    assert_eq!(ended.bytes(OutputStream::Stdout), b"seen");
    assert_eq!(ended.execution.attempts.len(), 1);
    second.stop().await;
}

#[tokio::test]
async fn three_lost_workers_are_enough() {
    let mut bed = Bed::with_lease(LEASE).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    for attempt in 1..=3 {
        let engine = plays(move |_| Script::Run(vec![write("lost"), Act::Forever]));
        let worker = bed.another("doomed", engine).await;
        let started = |change: &Change| matches!(change, Change::Started { attempt: it, .. } if *it == attempt);
        bed.until(
            id,
            |item| matches!(item, runlog_schemas::Item::Event(event) if started(&event.change)),
        )
        .await;
        worker.kill();
    }
    let last = bed.another("last", runs(vec![write("no")])).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.names().last(), Some(&"dead"));
    assert_eq!(ended.execution.attempts.len(), 3);
    last.stop().await;
}

#[tokio::test]
async fn a_run_outlives_a_restart_of_the_server() {
    let mut bed = Bed::start().await;
    let worker = bed
        .worker(runs(vec![
            write("before "),
            Act::Sleep(Duration::from_millis(500)),
            write("during "),
            Act::Sleep(Duration::from_secs(2)),
            write("after"),
        ]))
        .await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    bed.servers.nats().restart().await.unwrap();
    bed.log.connected().await;
    let ended = bed.end(id).await;
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    assert_eq!(ended.bytes(OutputStream::Stdout), b"before during after");
    assert_eq!(ended.execution.attempts.len(), 1);
    worker.stop().await;
}

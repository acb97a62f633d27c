//! What a worker says about itself, and whom it asks before it takes a run over.

use std::time::Duration;

use runlog_sandbox::fake::Act;
use runlog_schemas::{Change, Item, Outcome, OutputStream, Priority, Submission, WorkerReport};

use crate::support::{Bed, SCRIPT, exit, runs, submission, write};

impl Bed {
    /// Waits until the list of workers looks like that.
    async fn until_listed(&self, wanted: impl Fn(&[WorkerReport]) -> bool) -> Vec<WorkerReport> {
        let mut watch = self.log.watch_worker_reports().await.unwrap();
        loop {
            let listed = watch.next().await.unwrap().unwrap();
            if wanted(&listed) {
                return listed;
            }
        }
    }
}

#[tokio::test]
async fn a_worker_is_on_the_list_while_it_lives() {
    let mut bed = Bed::start().await;
    let worker = bed
        .worker_with(runs(vec![write("?"), Act::AwaitInput]), |config| {
            config.slots = 3;
        })
        .await;
    let listed = bed
        .until_listed(|all| all.iter().any(|it| it.languages.len() == 2))
        .await;
    let report = &listed[0];
    assert_eq!((report.name.as_str(), report.host.as_str()), ("w1", "host"));
    assert_eq!((report.slots, report.free_slots), (3, 3));
    assert!(report.serves(SCRIPT, Some("1.0")) && !report.serves(SCRIPT, Some("2.0")));
    assert!(report.memory_bytes > 0 && report.started_at_ms <= report.at_ms);
    let mut interactive = submission(SCRIPT);
    interactive.interactive = true;
    let id = bed.submit(&interactive).await;
    bed.until_output(id).await;
    let log = bed.log.clone();
    let stopping = worker.stop();
    let watching = async {
        let draining = bed.until_listed(|all| all[0].draining).await;
        assert_eq!(draining[0].free_slots, 2);
        let eof = runlog_schemas::control::ControlRequest::Eof;
        log.control_request(id, &eof).await.unwrap();
    };
    tokio::join!(stopping, watching);
    assert_eq!(bed.log.worker_reports().await.unwrap(), []);
    bed.end(id).await;
}

#[tokio::test]
async fn a_run_that_is_delivered_again_while_its_worker_lives_stays_where_it_is() {
    let mut bed = Bed::with_lease(1).await;
    // Its signs of life come too late, as after a restart of the server.
    let first = bed
        .worker_with(runs(vec![write("kept"), Act::AwaitInput]), |config| {
            config.name = "first".to_owned();
            config.slots = 1;
            config.lease = Duration::from_secs(60);
        })
        .await;
    let mut interactive = submission(SCRIPT);
    interactive.interactive = true;
    let id = bed.submit(&interactive).await;
    bed.until_output(id).await;
    let second = bed
        .worker_with(runs(vec![write("no")]), |config| {
            config.name = "second".to_owned()
        })
        .await;
    while second.metric("exec_deliveries_ignored_total") < 1.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let eof = runlog_schemas::control::ControlRequest::Eof;
    bed.log.control_request(id, &eof).await.unwrap();
    let ended = bed.end(id).await;
    assert_eq!(ended.names(), ["submitted", "started", "finished"]);
    assert_eq!(ended.bytes(OutputStream::Stdout), b"kept");
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn what_is_handed_back_uses_up_no_attempt() {
    let mut bed = Bed::start().await;
    let id = bed.submit(&submission(SCRIPT)).await;
    for attempt in 1..=5 {
        let worker = bed
            .worker_with(runs(vec![write("lost"), Act::Forever]), |config| {
                config.grace = Duration::ZERO;
            })
            .await;
        let started = |change: &Change| matches!(change, Change::Started { attempt: it, .. } if *it == attempt);
        bed.until(
            id,
            |item| matches!(item, Item::Event(event) if started(&event.change)),
        )
        .await;
        worker.stop().await;
    }
    let last = bed.worker(runs(vec![write("kept"), exit(0)])).await;
    let ended = bed.end(id).await;
    let attempts = &ended.execution.attempts;
    assert_eq!(attempts.len(), 6);
    assert!(attempts[..5].iter().all(|it| it.handed_back));
    assert_eq!(ended.execution.attempts_used(), 1);
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    last.stop().await;
}

#[tokio::test]
async fn a_flood_of_background_work_leaves_room_for_what_somebody_waits_for() {
    let mut bed = Bed::start().await;
    let engine = runlog_sandbox::fake::FakeEngine::new(|step| {
        use runlog_sandbox::fake::Script;
        match step.argv.get(1).map(String::as_str) {
            Some("background") => Script::Run(vec![write("?"), Act::Forever]),
            _ => Script::Run(vec![write("1.0\n")]),
        }
    });
    let worker = bed
        .worker_with(engine.clone(), |config| {
            config.slots = 4;
            config.grace = Duration::ZERO;
        })
        .await;
    let of = |name: &str, priority| Submission {
        priority,
        ..crate::support::named(name)
    };
    let mut flood = Vec::new();
    for _ in 0..10 {
        flood.push(bed.submit(&of("background", Priority::Background)).await);
    }
    for id in &flood[..3] {
        bed.until_output(*id).await;
    }
    for _ in 0..5 {
        let id = bed.submit(&of("x", Priority::Interactive)).await;
        let ended = bed.end(id).await;
        assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    }
    assert_eq!(engine.cells_in_use(), 3, "no more of it than its share");
    worker.stop().await;
}

#[tokio::test]
async fn a_submission_goes_to_a_worker_that_has_its_version() {
    let mut bed = Bed::start().await;
    let pinned = Submission {
        toolchain_version: Some("2.0".to_owned()),
        ..submission(SCRIPT)
    };
    let old = bed.worker(runs(vec![write("no")])).await;
    let id = bed.submit(&pinned).await;
    while old.metric("exec_deliveries_ignored_total") < 1.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let newer = runlog_sandbox::fake::FakeEngine::new(|step| {
        let text = if step.argv[0] == "/bin/version" {
            "2.0\n"
        } else {
            "yes"
        };
        runlog_sandbox::fake::Script::Run(vec![write(text)])
    });
    let newer = bed
        .worker_with(newer, |config| config.name = "newer".to_owned())
        .await;
    let ended = bed.end(id).await;
    assert_eq!(ended.names(), ["submitted", "started", "finished"]);
    assert_eq!(ended.bytes(OutputStream::Stdout), b"yes");
    old.stop().await;
    newer.stop().await;
}

//! In which order submissions are taken, and when they are not.

use std::sync::{Arc, Mutex};

use runlog_sandbox::fake::{Act, FakeEngine, Script};
use runlog_schemas::{Outcome, Priority, Submission};

use crate::support::{Bed, COMPILED, SCRIPT, named, now_ms, runs, submission, write};

/// An engine that notes the first argument of every program, in the order of their starts.
fn noting(starts: &Arc<Mutex<Vec<String>>>) -> FakeEngine {
    let starts = Arc::clone(starts);
    FakeEngine::new(move |step| {
        match step.argv[0].as_str() {
            "/bin/version" => return Script::Run(vec![write("1.0\n")]),
            "/bin/run" => starts.lock().unwrap().push(step.argv[1].clone()),
            _ => {}
        }
        Script::Run(Vec::new())
    })
}

fn of(language: &str, priority: Priority, name: &str) -> Submission {
    Submission {
        language: language.to_owned(),
        priority,
        ..named(name)
    }
}

#[tokio::test]
async fn higher_priorities_first_and_languages_in_turn() {
    let mut bed = Bed::start().await;
    let mut ids = Vec::new();
    for (name, priority) in [
        ("b", Priority::Background),
        ("a", Priority::Api),
        ("i", Priority::Interactive),
    ] {
        for number in 0..3 {
            for language in [SCRIPT, COMPILED] {
                let name = format!("{name}-{language}-{number}");
                ids.push(bed.submit(&of(language, priority, &name)).await);
            }
        }
    }
    let starts = Arc::new(Mutex::new(Vec::new()));
    let worker = bed
        .worker_with(noting(&starts), |config| config.slots = 1)
        .await;
    for id in ids {
        bed.end(id).await;
    }
    let starts = starts.lock().unwrap().clone();
    // Which language is known first depends on the probes, so the very first ones may be of any
    // priority; from the first of `interactive` on, the order is exact.
    assert_eq!(starts.len(), 18);
    let priorities = |names: &[String]| -> Vec<char> {
        names.iter().map(|it| it.chars().next().unwrap()).collect()
    };
    let rank = |priority: &char| "iab".find(*priority).unwrap();
    for language in [SCRIPT, COMPILED] {
        let own: Vec<String> = starts
            .iter()
            .filter(|it| it.contains(language))
            .cloned()
            .collect();
        let order = priorities(&own);
        assert!(order.is_sorted_by_key(rank), "{starts:?}");
        for priority in ['i', 'a', 'b'] {
            let numbers: Vec<&String> = own.iter().filter(|it| it.starts_with(priority)).collect();
            assert!(numbers.is_sorted(), "first in, first out: {starts:?}");
        }
    }
    worker.stop().await;
}

#[tokio::test]
async fn no_more_are_taken_than_there_are_slots() {
    let mut bed = Bed::start().await;
    let engine = runs(vec![write("?"), Act::AwaitInput]);
    let worker = bed
        .worker_with(engine.clone(), |config| config.slots = 2)
        .await;
    let interactive = Submission {
        interactive: true,
        ..submission(SCRIPT)
    };
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(bed.submit(&interactive).await);
    }
    bed.until_output(ids[0]).await;
    bed.until_output(ids[1]).await;
    assert!(worker.metric("exec_running") <= 2.0);
    let eof = runlog_schemas::control::ControlRequest::Eof;
    for id in ids {
        bed.until_output(id).await;
        assert!(engine.cells_in_use() <= 2);
        bed.log.control_request(id, &eof).await.unwrap();
        bed.end(id).await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn what_waited_too_long_expires() {
    let mut bed = Bed::start().await;
    let late = Submission {
        queue_limit_ms: 1_000,
        ..submission(SCRIPT)
    };
    let id = bed.submit_at(&late, now_ms() - 1_500).await;
    let worker = bed.worker(runs(vec![write("no")])).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.names(), ["submitted", "expired"]);
    assert_eq!(ended.end().outcome, Outcome::Expired);
    worker.stop().await;
}

#[tokio::test]
async fn a_language_without_its_toolchain_is_reported_and_left_alone() {
    let mut bed = Bed::start().await;
    let engine = FakeEngine::new(|step| match step.argv[0].as_str() {
        "/bin/version" => Script::NoSuchProgram,
        _ => Script::Run(Vec::new()),
    });
    let mut reports = bed.log.watch_language_reports().await.unwrap();
    let worker = bed.worker(engine).await;
    let reported = loop {
        let reports = reports.next().await.unwrap().unwrap();
        if reports.len() == 2 {
            break reports;
        }
    };
    for report in reported {
        assert!(!report.available && report.version.is_none());
        assert!(report.reason.unwrap().contains("/bin/version"));
        assert_eq!(report.host, "host");
    }
    let id = bed.submit(&submission(SCRIPT)).await;
    worker.stop().await;
    let status = bed
        .log
        .read_status(id, 0, runlog_nats::Freshness::Leader)
        .await;
    assert_eq!(status.unwrap(), []);
}

#[tokio::test]
async fn versions_are_reported() {
    let mut bed = Bed::start().await;
    let mut reports = bed.log.watch_language_reports().await.unwrap();
    let worker = bed.worker(runs(Vec::new())).await;
    let available = loop {
        let reports = reports.next().await.unwrap().unwrap();
        if reports.len() == 2 {
            break reports;
        }
    };
    for report in available {
        assert!(report.available, "{report:?}");
        assert_eq!(report.version.as_deref(), Some("1.0"));
    }
    worker.stop().await;
}

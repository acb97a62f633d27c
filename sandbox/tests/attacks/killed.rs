//! A worker that is killed in the middle of an attack leaves nothing behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::corpus::{Case, Site, cells, machine, run};

/// Which entries, one of each way to hold on: forks, orphans, stopped ones, a full disk, memory,
/// a terminal, descriptors in flight, a flood of output.
const ENTRIES: &[&str] = &[
    "T-A01", "T-A13", "T-A16", "T-A26", "T-B03", "T-B05b", "T-B08", "T-B12", "T-D06", "T-D12",
    "T-D18", "T-E01", "T-I04",
];

/// The variable by which the worker learns which entry to run.
const ENTRY: &str = "RUNLOG_ATTACK_ENTRY";

/// What its runs are marked with.
fn mark(worker: u32) -> String {
    format!("killed-{worker}")
}

/// Not a test: the worker that is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by another test"]
async fn victim() {
    let entry = std::env::vars()
        .find(|(name, _)| name == ENTRY)
        .expect("an entry")
        .1;
    let mut case = Case::read(&entry);
    // Whatever the entry is about, it is killed before it has ended.
    (case.limits.wall_ms, case.limits.cpu_ms) = (600_000, 600_000);
    let ground = super::ground(Site::prepare(std::slice::from_ref(&case))).await;
    let mark = mark(std::process::id());
    loop {
        let _ = run::run(&ground, &case, &mark).await;
    }
}

/// Starts a worker and waits until its attack is under way.
fn attacked(entry: &str, folder: &Path) -> (Child, String) {
    let worker = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "killed::victim", "--ignored", "--nocapture"])
        .env(ENTRY, entry)
        // Nobody takes its canaries away but who has this.
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a worker");
    let mark = format!("{}={}", machine::MARK, mark(worker.id()));
    let began = Instant::now();
    while machine::marked(&mark).is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{entry} never began"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    (worker, mark)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_the_middle_leaves_nothing() {
    for entry in ENTRIES {
        let folder = tempfile::tempdir().expect("a folder");
        let stalls = machine::StallWatch::start();
        let (mut worker, mark) = attacked(entry, folder.path());
        std::thread::sleep(Duration::from_millis(150));
        worker.kill().expect("a kill");
        worker.wait().expect("a death");
        let (began, before) = (Instant::now(), stalls.total());
        // Three seconds of the machine's time, for a control group that is full of forks.
        while !machine::marked(&mark).is_empty() {
            let patience = Duration::from_secs(3) + stalls.total().saturating_sub(before);
            assert!(
                began.elapsed() < patience,
                "{entry}: {:?} live on",
                machine::marked(&mark)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("{entry}: gone {:.1?} after the worker", began.elapsed());
        let left: BTreeSet<PathBuf> = cells::groups(worker.id()).into_iter().collect();
        // The next engine to start sweeps what no living one owns.
        let next = super::ground(Site::prepare(&[])).await;
        let swept = cells::groups(worker.id());
        next.engine.close().await;
        assert_eq!(swept, Vec::<PathBuf>::new(), "{entry}: of {left:?}");
    }
}

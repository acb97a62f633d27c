//! Workers that die, hang or end, each a process of its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::bed::signal;
use crate::fleet::{Fleet, processes};

/// Says that it began and then takes its time.
const LONG: &str = "
import time
print('began', flush=True)
time.sleep(6)
print('ended', flush=True)
";

/// How long it may take until a lost worker's run begins anew.
const TAKE_OVER: Duration = Duration::from_secs(15);

/// An execution that runs: its id, the worker that has it, and the other one.
fn running(fleet: &Fleet, mark: &str) -> (String, String, String) {
    let id = fleet.submit(LONG, mark);
    let shown = fleet.until_shown(&id, |it| it["status"] == "running");
    fleet.until(|_| !processes(mark).is_empty());
    let worker = shown["attempts"][0]["worker"].as_str().unwrap().to_owned();
    let other = if worker == "first" { "second" } else { "first" };
    (id, worker, other.to_owned())
}

fn has_attempts(shown: &Value, count: usize) -> bool {
    shown["attempts"].as_array().unwrap().len() == count
}

#[expect(clippy::disallowed_methods, reason = "the shell of a test has a clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// The execution, ended by the second attempt, with all of its output and nothing else.
fn ended_once(fleet: &Fleet, id: &str, worker: &str) -> Value {
    let shown = fleet.until_shown(id, |it| it["status"] == "ended");
    assert_eq!(
        shown["outcome"],
        json!({ "kind": "exited", "code": 0 }),
        "{shown}"
    );
    assert!(has_attempts(&shown, 2), "{shown}");
    assert_eq!(shown["attempts"][1]["worker"], worker);
    let replayed = fleet
        .servers
        .run(&["replay", id, "--speed", "100", "--url", fleet.url()]);
    assert_eq!(String::from_utf8_lossy(&replayed.stdout), "began\nended\n");
    shown
}

#[tokio::test]
async fn a_killed_workers_run_is_taken_over_and_nothing_of_it_lives_on() {
    let Some(mut fleet) = Fleet::start(&["first", "second"]).await else {
        return;
    };
    let mark = "mark-of-the-killed";
    let (id, worker, other) = running(&fleet, mark);
    let processes_before = processes(mark);
    fleet.worker(&worker).kill().unwrap();
    let killed_at_ms = now_ms();
    fleet.worker(&worker).wait().unwrap();
    fleet.until(|_| processes(mark).is_disjoint(&processes_before));
    let shown = ended_once(&fleet, &id, &other);
    assert_eq!(shown["attempts"][0]["failure"], "the worker was lost");
    let again_at_ms = shown["attempts"][1]["started_at_ms"].as_u64().unwrap();
    let took = Duration::from_millis(again_at_ms.saturating_sub(killed_at_ms));
    println!("taken over after {took:?}");
    assert!(took < TAKE_OVER, "{took:?}");
    assert_eq!(processes(mark).len(), 0);
}

#[tokio::test]
async fn a_paused_worker_is_replaced_and_changes_nothing_when_it_comes_back() {
    let Some(mut fleet) = Fleet::start(&["first", "second"]).await else {
        return;
    };
    let mark = "mark-of-the-paused";
    let (id, worker, other) = running(&fleet, mark);
    let stale = processes(mark);
    signal(fleet.worker(&worker), Signal::STOP);
    let taken = fleet.until_shown(&id, |it| has_attempts(it, 2));
    assert_eq!(taken["attempts"][1]["worker"], other.as_str());
    // Its program went on while it was paused, and has written its end.
    fleet.until(|_| {
        let now = processes(mark);
        stale
            .iter()
            .all(|pid| !now.contains(pid) || is_zombie(*pid))
    });
    signal(fleet.worker(&worker), Signal::CONT);
    let shown = ended_once(&fleet, &id, &other);
    // It finds out, gives up what it had and is ready for more.
    let ready = |fleet: &Fleet| {
        let workers = fleet.json(&["workers"])["workers"].clone();
        let free = |it: &Value| it["free_slots"] == 1;
        workers
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| free(it))
            .count()
            == 2
    };
    fleet.until(ready);
    assert_eq!(fleet.show(&id), shown, "nothing has changed since its end");
    fleet.stop_worker(&worker);
    assert_eq!(fleet.show(&id), shown);
}

fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with('Z'))
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_hands_back_what_it_can_not_finish() {
    let Some(mut fleet) = Fleet::start(&["first", "second"]).await else {
        return;
    };
    let mark = "mark-of-the-stopped";
    let (id, worker, other) = running(&fleet, mark);
    fleet.stop_worker(&worker);
    let listed = fleet.json(&["workers"]);
    let names: Vec<&Value> = listed["workers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, [&json!(other)], "who ended in peace is off the list");
    let shown = ended_once(&fleet, &id, &other);
    assert_eq!(shown["attempts"][0]["handed_back"], true);
    assert_eq!(shown["attempts"][0]["failure"], "the worker was shut down");
}

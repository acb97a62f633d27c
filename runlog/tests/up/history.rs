//! What ran before: history, show, replay, watch and cancel.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::Duration;

use crate::bed::{Up, text, up};

/// Prints forever, slowly.
const TICKS: &str = "\
import time
for number in range(10_000):
    print('tick', number, flush=True)
    time.sleep(0.02)
";

/// The history follows the log; waits until it has so many of a session.
fn history(up: &Up, session: &str, count: usize) -> Vec<serde_json::Value> {
    loop {
        let lines = up.answer(&["history", "--all", "--session", session, "--json"]);
        let found: Vec<serde_json::Value> = lines
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        if found.len() >= count && found.iter().all(|it| it["status"] == "ended") {
            assert_eq!(found.len(), count);
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_is_found_again_and_played_again_byte_for_byte() {
    let Some(up) = up() else { return };
    let source = "\
import sys, time
for number in range(5):
    sys.stdout.buffer.write(b'out \\xff\\x00 %d\\n' % number)
    sys.stdout.flush()
    print('err', number, file=sys.stderr)
    time.sleep(0.05)
sys.exit(4)
";
    up.program("both.py", source);
    let run = up.run(&["run", "-q", "--session", "replayed", "both.py"]);
    assert_eq!(run.status.code(), Some(4));

    let found = history(&up, "replayed", 1);
    let id = found[0]["id"].as_str().unwrap();
    assert_eq!(found[0]["outcome"]["code"], 4);
    assert_eq!(up.json(&["show", id]), found[0]);
    let shown = up.answer(&["show", id]);
    assert!(shown.contains("exited with 4"), "{shown}");
    assert!(
        up.answer(&["history", "--session", "replayed"])
            .contains(id)
    );
    let none = up.answer(&[
        "history",
        "--session",
        "replayed",
        "--outcome",
        "time_limit",
        "--json",
    ]);
    assert_eq!(none, "");

    for speed in ["0", "20"] {
        let replay = up.run(&["replay", "-q", "--speed", speed, id]);
        assert_eq!(replay.status.code(), Some(0));
        assert!(replay.stdout == run.stdout, "{:?}", replay.stdout);
        assert!(replay.stderr == run.stderr, "{}", text(&replay.stderr));
    }
    let recording = up.json(&["replay", id]);
    assert_eq!(recording["complete"], true);
    let cast = up.answer(&["replay", "--cast", id]);
    let head: serde_json::Value = serde_json::from_str(cast.lines().next().unwrap()).unwrap();
    assert!(head["version"].is_number(), "{head}");

    let again = up.run(&["watch", "-q", id]);
    assert_eq!(again.status.code(), Some(4));
    assert!(again.stdout == run.stdout);
}

#[test]
fn two_viewers_see_the_same_to_the_end_that_a_third_one_brings() {
    let Some(up) = up() else { return };
    up.program("ticks.py", TICKS);
    let id = up.answer(&["submit", "ticks.py"]).trim().to_owned();
    let watch = || {
        up.command(&["watch", "-q", &id])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut viewers = [watch(), watch()];
    let outputs = viewers.each_mut().map(|it| it.stdout.take().unwrap());
    let mut outputs = outputs.map(BufReader::new);
    let mut seen = [String::new(), String::new()];
    for (output, seen) in outputs.iter_mut().zip(&mut seen) {
        for _ in 0..10 {
            output.read_line(seen).unwrap();
        }
    }
    assert_eq!(up.run(&["cancel", &id]).status.code(), Some(0));
    for (output, seen) in outputs.iter_mut().zip(&mut seen) {
        output.read_to_string(seen).unwrap();
    }
    assert!(seen[0].starts_with("tick 0\n") && seen[0].contains("tick 9\n"));
    assert_eq!(seen[0], seen[1]);
    for viewer in &mut viewers {
        assert_eq!(viewer.wait().unwrap().code(), Some(130));
    }
    let late = up.run(&["cancel", &id]);
    assert_eq!(late.status.code(), Some(1));
    assert!(
        text(&late.stderr).contains("cancelled"),
        "{}",
        text(&late.stderr)
    );
}

#[test]
fn an_id_that_nobody_knows_is_not_found() {
    let Some(up) = up() else { return };
    let id = "01941f29-7c00-7000-8000-000000000001";
    for command in ["show", "watch", "replay", "cancel"] {
        let output = up.run(&[command, id]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(output.stdout.is_empty(), "{command}");
    }
}

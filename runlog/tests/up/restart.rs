//! A killed `up` that is started again on the same data has lost nothing.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use crate::bed::{command, text, up};

/// Prints for some time, and ends by itself.
const TICKS: &str = "\
import time
for number in range(100):
    print('tick', number, flush=True)
    time.sleep(0.01)
";

#[test]
fn what_was_accepted_before_a_kill_runs_after_it() {
    let Some(mut up) = up() else { return };
    up.program("ticks.py", TICKS);
    let submit = || {
        let args = ["submit", "--session", "killed", "ticks.py"];
        up.answer(&args).trim().to_owned()
    };
    let first = submit();
    let mut viewer = up
        .command(&["watch", &first])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(viewer.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.ends_with("tick 5\n") {
        output.read_line(&mut seen).unwrap();
    }
    // It runs; these wait or run beside it.
    let others: Vec<_> = (0..10).map(|_| submit()).collect();
    let port = up.port();
    up.kill();
    up.start(port);

    // The viewer comes back by itself and sees the attempt that counts from its beginning.
    output.read_to_string(&mut seen).unwrap();
    let expected: String = (0..100).map(|number| format!("tick {number}\n")).collect();
    assert!(seen.ends_with(&expected), "{seen}");
    let mut words = String::new();
    viewer
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut words)
        .unwrap();
    assert_eq!(viewer.wait().unwrap().code(), Some(0), "{words}");
    assert!(words.contains("attempt 2 begins"), "{words}");

    for id in others {
        let output = up.run(&["watch", "-q", &id]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stdout).ends_with(&expected));
    }
    assert_eq!(
        up.json(&["show", &first])["attempts"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn data_belong_to_one_and_to_their_owner() {
    let Some(mut up) = up() else { return };
    up.program("hello.py", "print('Hello')\n");
    let id = up.answer(&["submit", "hello.py"]).trim().to_owned();
    let mode = fs::metadata(up.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let data = up.data();
    let second = command()
        .args(["up", "--port", "0", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = text(&second.stderr);
    assert!(
        words.contains("in use") && words.contains(&up.url),
        "{words}"
    );

    let port = up.port().to_string();
    let elsewhere = up.path("elsewhere");
    let taken = command()
        .args(["up", "--port", &port, "--data"])
        .arg(elsewhere)
        .output()
        .unwrap();
    assert_eq!(taken.status.code(), Some(1));
    let words = text(&taken.stderr);
    assert!(words.contains(&port) && words.contains("taken"), "{words}");

    // A clean end and a new start, on another port: the run is still there.
    assert_eq!(up.run(&["watch", "-q", &id]).status.code(), Some(0));
    assert_eq!(up.interrupt(), Some(0));
    up.start(0);
    assert_eq!(up.answer(&["replay", "-q", &id]), "Hello\n");
}

#[test]
fn servers_that_die_are_started_again() {
    let Some(up) = up() else { return };
    up.program("hello.py", "print('Hello')\n");
    for server in ["nats-server", "postgres"] {
        let pid = up.child(server);
        kill_process(pid, Signal::KILL).unwrap();
        while up.child(server) == pid {
            sleep(Duration::from_millis(10));
        }
        // What is asked in between is answered as our fault, and nothing is half done.
        let id = loop {
            let output = up.run(&["submit", "--session", server, "hello.py"]);
            match output.status.code() {
                Some(0) => break text(&output.stdout).trim().to_owned(),
                Some(125) => sleep(Duration::from_millis(50)),
                other => panic!("{other:?}: {}", text(&output.stderr)),
            }
        };
        let output = up.run(&["watch", "-q", &id]);
        assert_eq!(text(&output.stdout), "Hello\n", "{}", text(&output.stderr));
        loop {
            let output = up.run(&["history", "--session", server]);
            match output.status.code() {
                Some(0) if text(&output.stdout).contains(&id) => break,
                Some(0 | 125) => sleep(Duration::from_millis(50)),
                other => panic!("{other:?}: {}", text(&output.stderr)),
            }
        }
    }
}

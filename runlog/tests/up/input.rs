//! What stands on our standard input reaches the program, when it stands there.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use rustix::process::Signal;

use crate::bed::{signal, text, up};

/// Asks for a name, and reads on to the end.
const ASK: &str = "\
import sys
print('hello', input('name? '), flush=True)
print(len(sys.stdin.read()))
";

#[test]
fn a_program_asks_and_a_pipe_answers() {
    let Some(up) = up() else { return };
    up.program("ask.py", ASK);
    let mut child = up
        .command(&["run", "-q", "ask.py"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut stdout = BufReader::new(stdout);
    let mut prompt = [0; 6];
    stdout.read_exact(&mut prompt).unwrap();
    assert_eq!(text(&prompt), "name? ");
    stdin.write_all(b"Ada\n").unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "hello Ada\n");
    // More than is ever on its way at once, and then the end.
    stdin.write_all(&vec![b'x'; 300_000]).unwrap();
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "300000\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_file_goes_along_with_the_program() {
    let Some(up) = up() else { return };
    up.program("ask.py", ASK);
    up.program("small.txt", "Bob\n12345");
    let small = File::open(up.path("small.txt")).unwrap();
    let output = up
        .command(&["run", "-q", "ask.py"])
        .stdin(small)
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "name? hello Bob\n5\n");

    // One that is too large for a request is streamed.
    up.program("large.txt", &format!("Bob\n{}", "x".repeat(1_500_000)));
    let large = File::open(up.path("large.txt")).unwrap();
    let output = up
        .command(&["run", "-q", "ask.py"])
        .stdin(large)
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "name? hello Bob\n1500000\n");

    let output = up.run(&["run", "-q", "ask.py"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("EOFError"));
}

#[test]
fn the_program_itself_may_come_from_a_pipe() {
    let Some(up) = up() else { return };
    up.program("source", "print('from a pipe')\n");
    let source = File::open(up.path("source")).unwrap();
    let args = ["run", "-q", "--language", "python", "-"];
    let output = up.command(&args).stdin(source).output().unwrap();
    assert_eq!(text(&output.stdout), "from a pipe\n");
}

#[test]
fn ctrl_c_in_a_pipe_interrupts_the_program() {
    let Some(up) = up() else { return };
    let source = "\
import time
try:
    print('ready', flush=True)
    time.sleep(30)
except KeyboardInterrupt:
    print('interrupted')
    exit(7)
";
    up.program("sleep.py", source);
    let mut child = up
        .command(&["run", "-q", "sleep.py"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    signal(&child, Signal::INT);
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\ninterrupted\n");
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let Some(up) = up() else { return };
    let source = "\
import time
for number in range(1000):
    print(number, flush=True)
    time.sleep(0.01)
";
    up.program("count.py", source);
    let mut child = up
        .command(&["run", "-q", "--session", "left", "count.py"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(141));
    let lines = up.answer(&["history", "--session", "left", "--json"]);
    let execution: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
    // `watch` waits for the end and exits as the run did.
    let watched = up.run(&["watch", "-q", execution["id"].as_str().unwrap()]);
    assert_eq!(watched.status.code(), Some(130));
}

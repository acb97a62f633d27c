//! On a terminal the program has a terminal: keys, size and Ctrl+C are its own.
//!
//! The terminal is made by a small Python program, since a process can only be given one between
//! fork and exec.

use std::process::Command;

use crate::bed::{Up, binary, text, up};

/// Runs a command on a terminal of 80 by 24. `steps` are pairs: once the first text is on the
/// screen, the second is typed; `!132x50` changes the size instead.
const TERMINAL: &str = include_str!("terminal.py");

/// Gives the exit code and the screen.
fn on_terminal(up: &Up, program: &str, steps: &[&str]) -> (i32, String) {
    let output = Command::new("/usr/bin/python3")
        .args(["-c", TERMINAL])
        .args([binary().to_str().unwrap(), program])
        .args(steps)
        .env("RUNLOG_URL", &up.url)
        .env("TERM", "vt100")
        .current_dir(up.path("."))
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    (
        output.status.code().unwrap(),
        text(&output.stdout).to_owned(),
    )
}

#[test]
fn the_program_has_a_terminal_of_its_own() {
    let Some(up) = up() else { return };
    up.program(
        "ask.py",
        "import sys\nprint('hi', input('name? '))\nprint(sys.stdin.read())\n",
    );
    // Ctrl+D ends its input.
    let steps = ["name? ", "Ada\r", "hi Ada", "more\r", "more", "\x04"];
    let (code, screen) = on_terminal(&up, "ask.py", &steps);
    assert_eq!(code, 0, "{screen}");
    assert!(
        screen.starts_with("name? Ada\r\nhi Ada\r\nmore\r\nmore\r\n"),
        "{screen:?}"
    );

    // A handler could run in the middle of a print, so the signal is waited for instead.
    let source = "\
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
print(os.environ['TERM'], sys.stdout.isatty(), os.get_terminal_size(), flush=True)
signal.sigwait({signal.SIGWINCH})
print(os.get_terminal_size())
sys.exit(9)
";
    up.program("size.py", source);
    let (code, screen) = on_terminal(&up, "size.py", &["lines=24)", "!132x50"]);
    assert_eq!(code, 9, "{screen}");
    assert!(
        screen.starts_with("vt100 True os.terminal_size(columns=80, lines=24)"),
        "{screen:?}"
    );
    assert!(screen.contains("columns=132, lines=50"), "{screen:?}");
}

#[test]
fn ctrl_c_goes_to_the_program_and_one_key_leads_out() {
    let Some(up) = up() else { return };
    let source = "\
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print('ready', flush=True)
while True:
    signal.sigwait({signal.SIGINT})
    print('not me', flush=True)
";
    up.program("stubborn.py", source);
    let (code, screen) = on_terminal(&up, "stubborn.py", &["ready", "\x03", "not me", "\x1d"]);
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("runlog: cancelled"), "{screen:?}");
}

//! The command line where there is no edge: nothing here needs a server.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn runlog(args: &[&str]) -> Output {
    // A port that was free a moment ago, so nobody is there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    Command::new(env!("CARGO_BIN_EXE_runlog"))
        .args(args)
        .env("RUNLOG_URL", url)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn an_edge_that_is_not_there_is_our_fault_and_says_what_to_do() {
    let mut file = tempfile::NamedTempFile::with_suffix(".py").unwrap();
    file.write_all(b"print(1)\n").unwrap();
    let path = file.path().to_str().unwrap();
    for args in [
        &["run", path][..],
        &["run", "--language", "python", path],
        &["submit", path],
        &["history"],
        &["languages"],
        &["watch", "01941f29-7c00-7000-8000-000000000001"],
        &["cancel", "01941f29-7c00-7000-8000-000000000001"],
    ] {
        let output = runlog(args);
        assert_eq!(output.status.code(), Some(125), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        let words = text(&output.stderr);
        assert!(
            words.starts_with("runlog: cannot reach the edge"),
            "{words}"
        );
        assert!(words.contains("runlog up"), "{words}");
    }
}

#[test]
fn failures_are_json_where_json_is_wanted() {
    let output = runlog(&["history", "--json"]);
    assert_eq!(output.status.code(), Some(125));
    let failure: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(failure["error"]["code"], "unreachable");
}

#[test]
fn what_the_user_gave_wrong_is_told_without_asking_anybody() {
    for (args, words) in [
        (&["run", "/nowhere/x.py"][..], "/nowhere/x.py"),
        (&["run", "-"], "--language"),
        (&["run", "x.py", "--limit", "walltime=3"], "wall_ms"),
        (&["show", "nonsense"], "expected a UUID"),
        (&["history", "--since", "yesterday"], "2h"),
        (&["history", "--url", "https://example.org"], "http://"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let output = runlog(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            text(&output.stderr).contains(words),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn help_shows_the_first_steps_and_the_exit_codes() {
    let output = runlog(&["--help"]);
    let help = text(&output.stdout);
    for expected in [
        "runlog up",
        "runlog run hello.py",
        "124  time limit",
        "125  our fault",
    ] {
        assert!(help.contains(expected), "{help}");
    }
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = runlog(&["completions", shell]);
        assert!(output.status.success(), "{shell}");
        let script = text(&output.stdout);
        assert!(script.contains("replay"), "{shell}");
        assert!(!script.contains("cell-spawner"), "{shell}");
    }
}

#[test]
fn bash_can_read_its_completions() {
    let script = runlog(&["completions", "bash"]).stdout;
    let mut bash = Command::new("bash")
        .args(["--norc", "-c", "source /dev/stdin && complete -p runlog"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    bash.stdin.take().unwrap().write_all(&script).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("_runlog"));
}

#[test]
fn a_reader_that_goes_away_is_no_error_of_ours() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_runlog"))
        .args(["completions", "bash"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(text(&output.stderr), "");
}

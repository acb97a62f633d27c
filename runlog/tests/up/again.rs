//! Running again what ran before, and what was given up.

use serde_json::Value;

use crate::bed::{Up, text, up};

/// Prints what differs from run to run when it is told to.
const PROGRAM: &str = "
import sys, time
print('the same')
if sys.argv[1:] == ['differ']:
    print(time.monotonic_ns())
";

#[test]
fn what_runs_again_is_compared_and_the_exit_code_says_whether_it_differs() {
    let Some(up) = up() else { return };
    up.program("same.py", PROGRAM);
    let submit = |args: &[&str]| {
        let args = [&["submit", "--session", "again", "same.py", "--"][..], args].concat();
        up.answer(&args).trim().to_owned()
    };
    let (same, differs) = (submit(&[]), submit(&["differ"]));
    for id in [&same, &differs] {
        assert!(up.run(&["watch", "-q", id]).status.success());
    }

    let one = up.json(&["rerun", &same]);
    assert_eq!(
        (&one["id"], &one["same"]),
        (&Value::from(same.clone()), &Value::from(true))
    );
    let again = one["rerun"].as_str().unwrap();
    assert_eq!(
        up.json(&["show", again])["rerun_of"],
        Value::from(same.clone())
    );

    let other = up.run(&["rerun", &differs, "--json"]);
    assert_eq!(other.status.code(), Some(1), "{}", text(&other.stderr));
    let other: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(other["same"], false);
    assert_eq!(other["stdout"]["first_difference"]["line"], 2);
    assert_eq!(other["stderr"]["same"], true);

    // By query, in a table: the history is a moment behind.
    let dry = ["rerun", "--session", "again", "--dry-run"];
    while up.answer(&dry).lines().count() < 4 {}
    let all = up.run(&["rerun", "--session", "again"]);
    assert_eq!(all.status.code(), Some(1), "{}", text(&all.stderr));
    let table = text(&all.stdout);
    assert!(
        table.contains("nothing") && table.contains("stdout, line 2:"),
        "{table}"
    );
    on_another_version(&up, &same);
}

/// On the version that is there, and not on one that is not.
fn on_another_version(up: &Up, same: &str) {
    let workers = up.json(&["workers"]);
    let languages = workers["workers"][0]["languages"].as_array().unwrap();
    let python = languages.iter().find(|it| it["id"] == "python").unwrap();
    let there = format!("python@{}", python["version"].as_str().unwrap());
    assert!(
        up.run(&["rerun", same, "--against", &there])
            .status
            .success()
    );
    // By query as well: one line of JSON for each, and a table.
    let of = [
        "rerun",
        "--session",
        "again",
        "--limit",
        "2",
        "--against",
        &there,
    ];
    let lines = up.run(&[&of[..], &["--json"]].concat());
    let lines: Vec<Value> = text(&lines.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert!(
            line["id"].is_string() && line["same"].is_boolean(),
            "{line}"
        );
        let rerun = up.json(&["show", line["rerun"].as_str().unwrap()]);
        assert_eq!(rerun["rerun_of"], line["id"]);
        assert_eq!(rerun["toolchain_version"], python["version"], "{rerun}");
    }
    let table = up.run(&of);
    let table = text(&table.stdout);
    // A head, a row for each, and what differs.
    assert!(
        table.starts_with("ID") && table.lines().count() >= 3,
        "{table}"
    );

    let missing = up.run(&["rerun", same, "--against", "python@0.1"]);
    assert_eq!(missing.status.code(), Some(125));
    assert!(
        text(&missing.stderr).contains(&there),
        "{}",
        text(&missing.stderr)
    );
}

#[test]
fn without_dead_letters_there_is_nothing_to_do_about_them() {
    let Some(up) = up() else { return };
    assert_eq!(
        up.answer(&["dlq", "list"]).lines().count(),
        1,
        "its head alone"
    );
    let all = up.json(&["dlq", "redrive", "--all"]);
    assert_eq!(all["letters"], Value::Array(Vec::new()));
    let unknown = "01941f29-7c00-7000-8000-000000000001";
    for action in ["show", "redrive", "drop"] {
        let missing = up.run(&["dlq", action, unknown]);
        assert_eq!(missing.status.code(), Some(1), "{action}");
        assert!(
            text(&missing.stderr).contains("no dead letter"),
            "{}",
            text(&missing.stderr)
        );
    }
    assert_eq!(up.run(&["dlq", "drop"]).status.code(), Some(2), "of what?");
}

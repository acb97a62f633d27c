//! Each service as a process of its own, as in production: set up by hand, ended with SIGTERM.

use std::fs;
use std::path::Path;

use crate::bed::text;
use crate::fleet::Servers;

#[tokio::test]
async fn services_work_apart_and_end_when_told() {
    let Some(bed) = Servers::start().await else {
        return;
    };

    // Nothing starts on streams that nobody made, and nothing makes them by itself.
    let early = bed.run(&["edge", "--listen", "127.0.0.1:0"]);
    assert_eq!(early.status.code(), Some(1));
    assert!(
        text(&early.stderr).contains("runlog streams apply"),
        "{}",
        text(&early.stderr)
    );
    let planned = bed.answer(&["streams", "apply", "--dry-run"]);
    assert!(planned.contains("create stream EXECUTIONS"), "{planned}");
    assert_eq!(bed.answer(&["streams", "apply"]), planned);
    assert_eq!(bed.answer(&["streams", "apply"]), "");
    bed.answer(&["projector", "migrate"]);

    let (edge, url) = bed.start_edge(&[]);
    let url = url.as_str();
    let projector = bed.start_service("projector", &["projector", "run"]);
    let worker = bed.start_service("worker", &["worker", "--slots", "1"]);

    let hello = bed.folder.path().join("hello.py");
    fs::write(&hello, "print('Hello')\n").unwrap();
    let run = || {
        let mut run = bed.command(&["run", "-q", "--session", "apart", "--url", url]);
        run.arg(&hello).output().unwrap()
    };
    // The worker looks at its toolchains first; until then the edge says so.
    let mut ran = run();
    while text(&ran.stderr).contains("language_not_reported") {
        ran = run();
    }
    assert_eq!(text(&ran.stdout), "Hello\n", "{}", text(&ran.stderr));

    let shown = bed.answer(&["streams", "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert!(
        shown["streams"][0]["messages"].as_u64().unwrap() >= 3,
        "{shown}"
    );

    let rebuilt = bed.answer(&["projector", "rebuild", "--json"]);
    let rebuilt: serde_json::Value = serde_json::from_str(&rebuilt).unwrap();
    assert_eq!(rebuilt["recordings"], 1, "{rebuilt}");
    let history = bed.answer(&["history", "--session", "apart", "--json", "--url", url]);
    assert_eq!(history.lines().count(), 1, "{history}");

    sound(&bed);
    bed.stop("worker", worker);
    unsound(&bed, url, &hello);
    bed.stop("edge", edge);
    bed.stop("projector", projector);
}

/// Everything that ran is found to be as it should.
fn sound(bed: &Servers) {
    let verified = bed.answer(&["verify", "--settled", "--json"]);
    let verified: serde_json::Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(verified["checked"]["stored_recordings"], 1, "{verified}");
}

/// What nobody runs any more is found.
fn unsound(bed: &Servers, url: &str, hello: &Path) {
    let queued = bed.answer(&["submit", "--url", url, hello.to_str().unwrap()]);
    bed.answer(&["verify"]);
    let unended = bed.run(&["verify", "--settled"]);
    assert_eq!(unended.status.code(), Some(1));
    let line = text(&unended.stdout);
    assert!(
        line.starts_with("not_ended in EXECUTIONS, message"),
        "{line}"
    );
    assert!(line.contains(queued.trim()), "{line}");
    let nobody = bed.run(&["verify", "--nats-url", "nats://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(125), "{}", text(&nobody.stderr));
}

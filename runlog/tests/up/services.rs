//! Each service as a process of its own, as in production: set up by hand, ended with SIGTERM.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use runlog_local::Testbed;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::bed::{command, may_run, signal, text};

/// NATS and PostgreSQL, and a folder for logs.
struct Bed {
    nats_url: String,
    database_url: String,
    /// Ended on drop.
    _servers: Testbed,
    folder: TempDir,
}

impl Bed {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = command();
        command
            .args(args)
            .env("RUNLOG_NATS_URL", &self.nats_url)
            .env("RUNLOG_DATABASE_URL", &self.database_url)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn answer(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout).to_owned()
    }

    /// Starts a service that writes its log as JSON.
    fn start(&self, name: &str, args: &[&str]) -> Child {
        let log = File::create(self.folder.path().join(name)).unwrap();
        self.command(args)
            .env("RUNLOG_LOG_FORMAT", "json")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Ends a service, which must end well and have logged nothing but JSON.
    fn stop(&self, name: &str, mut service: Child) {
        signal(&service, Signal::TERM);
        let status = service.wait().unwrap();
        let log = fs::read_to_string(self.folder.path().join(name)).unwrap();
        assert!(status.success(), "{name} ended with {status}:\n{log}");
        for line in log.lines().filter(|it| !it.starts_with("runlog: ")) {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(entry["level"].is_string(), "{line}");
        }
    }
}

#[tokio::test]
async fn services_work_apart_and_end_when_told() {
    if !may_run() {
        return;
    }
    let mut servers = Testbed::start_with_postgres().await.unwrap();
    let bed = Bed {
        nats_url: servers.nats().url(),
        database_url: servers.postgres().connection_string(),
        _servers: servers,
        folder: tempfile::tempdir().unwrap(),
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

    let mut edge = bed.start("edge", &["edge", "--json", "--listen", "127.0.0.1:0"]);
    let mut line = String::new();
    let mut stdout = BufReader::new(edge.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = told["url"].as_str().unwrap();
    let projector = bed.start("projector", &["projector", "run"]);
    let worker = bed.start("worker", &["worker", "--slots", "1"]);

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
fn sound(bed: &Bed) {
    let verified = bed.answer(&["verify", "--settled", "--json"]);
    let verified: serde_json::Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(verified["checked"]["stored_recordings"], 1, "{verified}");
}

/// What nobody runs any more is found.
fn unsound(bed: &Bed, url: &str, hello: &Path) {
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

//! Each service as a process of its own, as in production, so that single ones can die.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use runlog_local::Testbed;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use crate::bed::{command, may_run, signal, text};

/// NATS and PostgreSQL, and a folder for logs.
pub(crate) struct Servers {
    nats_url: String,
    database_url: String,
    /// Ended on drop.
    _servers: Testbed,
    pub(crate) folder: TempDir,
}

impl Servers {
    /// Starts them; `None` where programs cannot be sandboxed.
    pub(crate) async fn start() -> Option<Self> {
        if !may_run() {
            return None;
        }
        let mut servers = Testbed::start_with_postgres().await.unwrap();
        Some(Self {
            nats_url: servers.nats().url(),
            database_url: servers.postgres().connection_string(),
            _servers: servers,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command();
        command
            .args(args)
            .env("RUNLOG_NATS_URL", &self.nats_url)
            .env("RUNLOG_DATABASE_URL", &self.database_url)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn answer(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout).to_owned()
    }

    /// Starts a service that writes its log as JSON.
    pub(crate) fn start_service(&self, name: &str, args: &[&str]) -> Child {
        let log = File::create(self.log(name)).unwrap();
        self.command(args)
            .env("RUNLOG_LOG_FORMAT", "json")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Starts an edge; also its address.
    pub(crate) fn start_edge(&self, more: &[&str]) -> (Child, String) {
        let args = ["edge", "--json", "--listen", "127.0.0.1:0"];
        let mut edge = self.start_service("edge", &[&args[..], more].concat());
        let mut line = String::new();
        let mut stdout = BufReader::new(edge.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        (edge, told["url"].as_str().unwrap().to_owned())
    }

    /// Ends a service, which must end well and have logged nothing but JSON.
    pub(crate) fn stop(&self, name: &str, mut service: Child) {
        signal(&service, Signal::TERM);
        let status = service.wait().unwrap();
        let log = fs::read_to_string(self.log(name)).unwrap();
        assert!(status.success(), "{name} ended with {status}:\n{log}");
        for line in log.lines().filter(|it| !it.starts_with("runlog: ")) {
            let entry: Value = serde_json::from_str(line).unwrap();
            assert!(entry["level"].is_string(), "{line}");
        }
    }

    fn log(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// Servers, an edge and some workers for Python.
pub(crate) struct Fleet {
    pub(crate) servers: Servers,
    url: String,
    edge: Option<Child>,
    workers: Vec<(String, Child)>,
}

impl Fleet {
    /// With workers of these names, one slot each; `None` where programs cannot be sandboxed.
    pub(crate) async fn start(names: &[&str]) -> Option<Self> {
        let servers = Servers::start().await?;
        let languages = servers.folder.path().join("languages");
        fs::create_dir(&languages).unwrap();
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../languages");
        fs::copy(all.join("python.toml"), languages.join("python.toml")).unwrap();
        servers.answer(&["streams", "apply", "--languages", text_of(&languages)]);
        servers.answer(&["projector", "migrate"]);
        let (edge, url) = servers.start_edge(&["--languages", text_of(&languages)]);
        let mut fleet = Self {
            servers,
            url,
            edge: Some(edge),
            workers: Vec::new(),
        };
        for name in names {
            fleet.start_worker(name);
        }
        Some(fleet)
    }

    /// Starts a worker and waits until it is on the list with its language.
    pub(crate) fn start_worker(&mut self, name: &str) {
        let languages = self.servers.folder.path().join("languages");
        let args = [
            "worker",
            "--slots",
            "1",
            "--worker-name",
            name,
            "--grace",
            "300ms",
        ];
        let args = [&args[..], &["--languages", text_of(&languages)]].concat();
        let worker = self.servers.start_service(name, &args);
        self.workers.push((name.to_owned(), worker));
        self.until(|fleet| {
            let workers = fleet.json(&["workers"])["workers"].clone();
            let mut listed = workers.as_array().unwrap().iter();
            listed.any(|it| it["name"] == name && it["languages"][0]["id"] == "python")
        });
    }

    /// The process of a worker.
    pub(crate) fn worker(&mut self, name: &str) -> &mut Child {
        let found = self.workers.iter_mut().find(|(it, _)| it == name);
        &mut found.unwrap().1
    }

    /// Ends a worker in peace.
    pub(crate) fn stop_worker(&mut self, name: &str) {
        let place = self.workers.iter().position(|(it, _)| it == name).unwrap();
        let (name, worker) = self.workers.remove(place);
        self.servers.stop(&name, worker);
    }

    /// The address of the edge.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A user's command, and its answer as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let answer = self
            .servers
            .answer(&[args, &["--json", "--url", &self.url]].concat());
        serde_json::from_str(&answer).unwrap()
    }

    /// Sends a Python program with a mark that its processes carry, and gives its id.
    pub(crate) fn submit(&self, source: &str, mark: &str) -> String {
        let file = self.servers.folder.path().join("main.py");
        fs::write(&file, source).unwrap();
        let args = [
            "submit",
            "--json",
            "--url",
            &self.url,
            // With this one the interpreter is started anew, so its arguments stand in its command
            // line, where the mark is looked for.
            "--env",
            "PYTHONUNBUFFERED=1",
            text_of(&file),
            "--",
            mark,
        ];
        let accepted: Value = serde_json::from_str(&self.servers.answer(&args)).unwrap();
        accepted["id"].as_str().unwrap().to_owned()
    }

    /// An execution as it is now.
    pub(crate) fn show(&self, id: &str) -> Value {
        self.json(&["show", id])
    }

    /// Waits until an execution looks like that, and shows it.
    pub(crate) fn until_shown(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut shown = Value::Null;
        self.until(|fleet| {
            shown = fleet.show(id);
            wanted(&shown)
        });
        shown
    }

    /// Waits until something is so; for ever, since a test has no better idea how long is too long.
    pub(crate) fn until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        while !is_so(self) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let workers = self.workers.iter_mut().map(|(_, child)| child);
        for child in workers.chain(&mut self.edge) {
            child.kill().ok();
            child.wait().ok();
        }
        if std::thread::panicking() {
            for (name, _) in &self.workers {
                let log = fs::read_to_string(self.servers.log(name)).unwrap_or_default();
                println!("the log of {name}:\n{log}");
            }
        }
    }
}

/// The processes with this mark on their command line.
pub(crate) fn processes(mark: &str) -> BTreeSet<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let mut words = line.split(|byte| *byte == 0);
            words.any(|word| word == mark.as_bytes()).then_some(pid)
        })
        // The command that sent the program carries it too, until it has ended.
        .filter(|pid| Pid::from_raw(*pid).is_some() && !is_ours(*pid))
        .collect()
}

fn is_ours(pid: i32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim() == "runlog"
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

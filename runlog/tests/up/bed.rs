//! One `runlog up` and the means to use it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// A running `runlog up`; it is killed and its data removed on drop.
pub(crate) struct Up {
    process: Option<Child>,
    /// Of its edge.
    pub(crate) url: String,
    folder: TempDir,
    /// Further ones for `runlog up`.
    options: Vec<String>,
    /// A command that becomes the one that follows it.
    wrapper: Vec<String>,
}

/// Starts one, or says why that is not possible here.
pub(crate) fn up() -> Option<Up> {
    up_with(&[])
}

/// The same with further options.
pub(crate) fn up_with(options: &[&str]) -> Option<Up> {
    up_under(&[], options)
}

/// The same, started by a command that becomes the one that follows it.
pub(crate) fn up_under(wrapper: &[&str], options: &[&str]) -> Option<Up> {
    if !may_run() {
        return None;
    }
    let mut up = Up {
        process: None,
        url: String::new(),
        folder: tempfile::tempdir().unwrap(),
        options: options.iter().map(|&it| it.to_owned()).collect(),
        wrapper: wrapper.iter().map(|&it| it.to_owned()).collect(),
    };
    up.choose_languages(&["python", "c"]);
    up.start(0);
    Some(up)
}

/// Whether programs can be sandboxed here; says so where they cannot.
pub(crate) fn may_run() -> bool {
    let root = geteuid().is_root();
    if !root {
        // Not `println!`, which the test runner would keep to itself.
        let words = b"SKIPPED: the sandbox needs root, and these tests do not run as root\n";
        std::io::stderr().write_all(words).unwrap();
    }
    root
}

impl Up {
    /// The fewer there are, the sooner all of them have been looked at.
    fn choose_languages(&self, ids: &[&str]) {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../languages");
        fs::create_dir(self.languages()).unwrap();
        for id in ids {
            let name = format!("{id}.toml");
            fs::copy(all.join(&name), self.languages().join(&name)).unwrap();
        }
    }

    /// Starts it on the data that are there, and waits until programs can be run.
    pub(crate) fn start(&mut self, port: u16) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let mut process = command_under(&self.wrapper)
            .args(["up", "--json", "--port", &port.to_string(), "--data"])
            .arg(self.data())
            .arg("--languages")
            .arg(self.languages())
            .args(&self.options)
            .env("RUNLOG_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        self.process = Some(process);
        let Ok(told) = serde_json::from_str::<serde_json::Value>(&line) else {
            panic!(
                "runlog up did not start: {}",
                fs::read_to_string(self.log()).unwrap()
            );
        };
        told["url"].as_str().unwrap().clone_into(&mut self.url);
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn languages(&self) -> PathBuf {
        self.folder.path().join("languages")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The port of its edge.
    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Asks it to end as Ctrl+C does, and gives its exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let mut process = self.process.take().unwrap();
        signal(&process, Signal::INT);
        process.wait().unwrap().code()
    }

    /// The server of that name that it has started; waits until there is one.
    pub(crate) fn child(&self, name: &str) -> Pid {
        let parent = self.process.as_ref().unwrap().id().to_string();
        loop {
            let stats = fs::read_dir("/proc").unwrap().flatten();
            let stats = stats.filter_map(|it| fs::read_to_string(it.path().join("stat")).ok());
            for stat in stats {
                // `pid (name) state parent ...`
                let (pid, rest) = stat.split_once(" (").unwrap();
                let (its_name, rest) = rest.rsplit_once(") ").unwrap();
                let mut fields = rest.split(' ');
                let (state, its_parent) = (fields.next().unwrap(), fields.next().unwrap());
                if its_name == name && its_parent == parent && state != "Z" {
                    return Pid::from_raw(pid.parse().unwrap()).unwrap();
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// A user's command on its edge.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command();
        command
            .args(args)
            .env("RUNLOG_URL", &self.url)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a user's command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a user's command that must succeed, and gives its output.
    pub(crate) fn answer(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout).to_owned()
    }

    /// The same, with an answer in JSON.
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let answer = self.answer(&[args, &["--json"]].concat());
        serde_json::from_str(&answer).unwrap()
    }

    /// Writes a program where commands find it.
    pub(crate) fn program(&self, name: &str, source: &str) {
        File::create(self.folder.path().join(name))
            .unwrap()
            .write_all(source.as_bytes())
            .unwrap();
    }

    /// A file that commands find.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            println!("the log of runlog up:\n{log}");
        }
    }
}

/// The binary, with nothing of our own environment that it would read.
pub(crate) fn command() -> Command {
    command_under(&[])
}

/// The same, started by a command that becomes the one that follows it.
pub(crate) fn command_under(wrapper: &[String]) -> Command {
    let mut command = match wrapper {
        [] => Command::new(binary()),
        [program, args @ ..] => {
            let mut command = Command::new(program);
            command.args(args).arg(binary());
            command
        }
    };
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RUNLOG_") {
            command.env_remove(name);
        }
    }
    command
}

/// The program under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_runlog"))
}

/// Sends a signal to a process that was started here.
pub(crate) fn signal(process: &Child, signal: Signal) {
    let pid = i32::try_from(process.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Output that must be text.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

//! The bare process: the same program with the same interpreter, without Runlog.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// The program that everything is compared by.
pub(crate) const HELLO: &str = "print('Hello, world')\n";

/// What it prints.
pub(crate) const HELLO_OUTPUT: &[u8] = b"Hello, world\n";

/// The interpreter of the language `python`.
const PYTHON: &str = "/usr/bin/python3";

/// A folder with the program in it.
pub(crate) struct Bare {
    folder: TempDir,
}

impl Bare {
    /// Writes the program into a folder of its own.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        std::fs::write(folder.path().join("main.py"), HELLO).context("cannot write main.py")?;
        Ok(Self { folder })
    }

    /// Starts it as the sandbox does, collects its output and waits for it.
    pub(crate) fn run(&self) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let output = self.command().output().context("cannot run python3")?;
        let took = begin.elapsed();
        check(&output)?;
        Ok(took)
    }

    /// Runs it on every core for that long, and gives runs a second.
    pub(crate) fn rate(&self, time: Duration) -> anyhow::Result<f64> {
        let begin = Instant::now();
        let one_core = || {
            let mut count = 0_u32;
            while begin.elapsed() < time {
                self.run()?;
                count += 1;
            }
            anyhow::Ok(count)
        };
        let counts = thread::scope(|scope| {
            let cores: Vec<_> = (0..crate::machine::cores())
                .map(|_| scope.spawn(one_core))
                .collect();
            cores
                .into_iter()
                .map(|it| it.join().expect("nothing in it panics"))
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(f64::from(counts.iter().sum::<u32>()) / begin.elapsed().as_secs_f64())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PYTHON);
        command
            .arg("main.py")
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
        command
    }
}

fn check(output: &Output) -> anyhow::Result<()> {
    ensure!(
        output.status.success(),
        "the bare process {}",
        output.status
    );
    ensure!(
        output.stdout == HELLO_OUTPUT,
        "the bare process printed something else"
    );
    Ok(())
}

//! One process of Runlog, started again and again.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// What a service is started with.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// `edge-1`, `worker-2` and so on.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) log: PathBuf,
}

/// A service, running or not.
pub(crate) struct Service {
    recipe: Recipe,
    process: Option<Child>,
    /// How often it was started.
    starts: u64,
}

impl Service {
    pub(crate) fn start(recipe: Recipe) -> anyhow::Result<Self> {
        let mut service = Self {
            recipe,
            process: None,
            starts: 0,
        };
        service.restart()?;
        Ok(service)
    }

    /// A name that no other start of any service has.
    pub(crate) fn incarnation(&self) -> String {
        format!("{}.{}", self.recipe.name, self.starts)
    }

    /// Starts it anew, after it has ended.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        self.restart_with(None)
    }

    /// The same, with a failpoint armed.
    pub(crate) fn restart_with(&mut self, failpoint: Option<String>) -> anyhow::Result<()> {
        self.starts += 1;
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.recipe.log)
            .context("cannot open a log")?;
        let process = Command::new(&self.recipe.program)
            .args(&self.recipe.args)
            .envs(self.recipe.env.iter().map(|(name, value)| (name, value)))
            .env("RUNLOG_WORKER_NAME", self.incarnation())
            .env("RUNLOG_LOG", "info")
            .envs(failpoint.map(|it| ("RUNLOG_FAILPOINT", it)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start runlog")?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await.context("cannot kill a service")?;
        }
        Ok(())
    }

    /// Ends it as an operator would; whether it ended well.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<bool> {
        self.signal(Signal::TERM);
        match self.process.take() {
            Some(mut process) => Ok(process.wait().await?.success()),
            None => Ok(true),
        }
    }

    /// Freezes it, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.signal(if frozen { Signal::STOP } else { Signal::CONT });
    }

    /// Starts it where it has ended by itself, as whatever tends it would. `true` if so.
    pub(crate) fn revive(&mut self) -> anyhow::Result<bool> {
        let ended = self.has_ended()?;
        if ended {
            self.restart()?;
        }
        Ok(ended)
    }

    /// Whether it does not run any more.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(match &mut self.process {
            Some(process) => process.try_wait()?.is_some(),
            None => true,
        })
    }

    /// Whether it has been stopped by a signal and not been told to go on.
    pub(crate) fn is_frozen(&self) -> bool {
        let Some(pid) = self.process.as_ref().and_then(Child::id) else {
            return false;
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    fn signal(&self, signal: Signal) {
        let pid = self.process.as_ref().and_then(Child::id);
        let pid = pid
            .and_then(|it| i32::try_from(it).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has just ended needs no signal.
            kill_process(pid, signal).ok();
        }
    }
}

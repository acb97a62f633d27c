//! One server process: started so that it ends with us, signalled, waited for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, User, getpid, getppid};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::spawner;

/// What to start, and as whom.
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Where it works; it must be able to reach it.
    pub(crate) directory: PathBuf,
    /// `None`: as ourselves.
    pub(crate) user: Option<User>,
    /// Descriptors that the child keeps under the same numbers.
    pub(crate) inherit: Vec<OwnedFd>,
    /// Gets stdout and stderr.
    pub(crate) output: Stdio,
    /// What the kernel sends the child when we die.
    pub(crate) death_signal: Signal,
}

impl Launch {
    /// The command, in an empty environment so that no variable of the
    /// caller (`PGDATA`, `LC_ALL`) changes what the server does.
    pub(crate) fn command(mut self, errors: Stdio) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/bin:/bin");
        command.envs(self.environment).current_dir(&self.directory);
        command
            .stdin(Stdio::null())
            .stdout(std::mem::replace(&mut self.output, Stdio::null()))
            .stderr(errors);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        tie_to_us(&mut command, self.inherit, self.death_signal);
        command
    }
}

#[expect(
    unsafe_code,
    reason = "the parent-death signal can only be set between fork and exec; the closure makes system calls only"
)]
fn tie_to_us(command: &mut Command, inherit: Vec<OwnedFd>, death_signal: Signal) {
    let parent = getpid();
    // SAFETY: prctl, getppid and fcntl are async-signal-safe, and nothing here allocates.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(death_signal)?;
            if getppid() != parent {
                // We died before the signal was set.
                return Err(io::Error::from(Errno::ESRCH));
            }
            for descriptor in &inherit {
                fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
            }
            Ok(())
        });
    }
}

/// A server process that is waited for and that does not outlive this value.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
}

impl Process {
    /// Starts the program with both outputs appended to `log`.
    pub(crate) async fn start(mut launch: Launch, log: &File) -> io::Result<Self> {
        launch.output = log.try_clone()?.into();
        let child = spawner::spawn(launch.command(log.try_clone()?.into())).await?;
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .expect("a child that was not waited for has a pid");
        Ok(Self {
            child,
            pid: Pid::from_raw(pid),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// How it ended, or `None` while it lives.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for its end.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end, and kills it if it takes longer than `patience`.
    pub(crate) async fn stop(
        &mut self,
        signal: Signal,
        patience: Duration,
    ) -> io::Result<ExitStatus> {
        self.send(signal);
        // A stopped process acts on nothing but this.
        self.send(Signal::SIGCONT);
        match timeout(patience, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => self.kill().await,
        }
    }

    /// Ends it, and whatever it started, without any warning.
    pub(crate) async fn kill(&mut self) -> io::Result<ExitStatus> {
        let children = children(self.pid);
        self.send(Signal::SIGKILL);
        let status = self.child.wait().await?;
        for child in &children {
            // It may have ended by itself.
            kill(*child, Signal::SIGKILL).ok();
        }
        while children.iter().any(|child| is_alive(*child)) {
            sleep(Duration::from_millis(2)).await;
        }
        Ok(status)
    }

    /// Sends a signal to it and to whatever it started.
    pub(crate) fn send_to_all(&self, signal: Signal) {
        self.send(signal);
        for child in children(self.pid) {
            kill(child, signal).ok();
        }
    }

    fn send(&self, signal: Signal) {
        // No pid: waited for already, and the number may belong to another.
        if self.child.id().is_some() {
            kill(self.pid, signal).ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_none() {
            return;
        }
        let children = children(self.pid);
        self.send(Signal::SIGKILL);
        for child in children {
            kill(child, Signal::SIGKILL).ok();
        }
        // Whoever drops us removes the data next: the process must be gone.
        // It is left for the runtime to collect.
        waitid(
            Id::Pid(self.pid),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
        )
        .ok();
        self.child.try_wait().ok();
    }
}

/// A duplicate of the descriptor, to hand to a child.
pub(crate) fn duplicate(file: &impl AsFd) -> io::Result<OwnedFd> {
    file.as_fd().try_clone_to_owned()
}

/// The path under which a child that inherited `descriptor` reaches it, even
/// where it may not walk down the real path.
pub(crate) fn inherited_path(descriptor: &OwnedFd) -> PathBuf {
    let number: RawFd = descriptor.as_raw_fd();
    Path::new("/proc/self/fd").join(number.to_string())
}

pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.map(Pid::from_raw)
        .filter(|pid| stat(*pid).is_some_and(|(_, ppid)| ppid == parent))
        .collect()
}

/// A zombie is dead: it holds neither files nor memory.
pub(crate) fn is_alive(pid: Pid) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// State and parent, from the fields behind the command's name, which may
/// itself hold spaces and brackets.
fn stat(pid: Pid) -> Option<(String, Pid)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((state, Pid::from_raw(fields.next()?.parse().ok()?)))
}

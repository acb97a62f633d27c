//! The worker's way to its spawner, which is started again should it die.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::channel::{self, Channel};
use super::config::{LIBRARY, Mount, NativeConfig, SpawnerCommand, WarmHost, WarmRuntime, WarmWay};
use super::protocol::{Make, Runtime, Setup, expect, kind};
use super::wire::Failure;
use crate::Error;

/// How long a spawner may take to begin; a runtime that starts in the background may be slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A spawner that can be asked for cells.
#[derive(Debug)]
pub(super) struct Link {
    command: SpawnerCommand,
    setup: Vec<u8>,
    /// One request at a time: the spawner is single-threaded and answers in order.
    spawner: Mutex<Option<Spawner>>,
}

#[derive(Debug)]
struct Spawner {
    channel: Channel,
    child: Child,
}

/// Process 1 of a new cell.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
}

impl Spawner {
    /// Lets everything else on the machine go first, or no longer.
    fn yield_to_others(&self, yields: bool) {
        let pid = self.child.id().and_then(|pid| pid.try_into().ok());
        let nice = if yields { 19 } else { 0 };
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // Only a matter of speed.
            let _ = rustix::process::setpriority_process(Some(pid), nice);
        }
    }
}

/// What the spawner's cells see.
fn setup(config: &NativeConfig, host: Option<&WarmHost>) -> Result<Setup, Error> {
    let mut mounts = config.mounts.clone();
    if let (Some(library), Some(_)) = (&config.library, host) {
        mounts.push(Mount {
            host: library.clone(),
            inside: LIBRARY.into(),
        });
    }
    let started = config
        .warm_hosts
        .iter()
        .filter(|it| it.way == WarmWay::Start);
    let hosts: Vec<&WarmHost> = match host {
        Some(host) => vec![host],
        None => started.collect(),
    };
    let files = hosts.iter().flat_map(|host| {
        let folder = PathBuf::from(WarmHost::folder(host.way, &host.name));
        let files = host.files.iter();
        files.map(move |(name, content)| (folder.join(name), content.clone()))
    });
    Ok(Setup {
        mounts,
        etc: config.etc.clone(),
        files: files.collect(),
        host: host
            .map(|host| runtimes(host)?.pop().ok_or_else(|| nothing_to_start(host)))
            .transpose()?,
        #[cfg(feature = "weaken")]
        weaken: super::weaken::number(config.weaken),
    })
}

/// A host's commands as the system takes them.
pub(super) fn runtimes(host: &WarmHost) -> Result<Vec<Runtime>, Error> {
    let strings = |texts: Vec<String>| -> Result<Vec<CString>, Error> {
        let all: Result<_, _> = texts.into_iter().map(CString::new).collect();
        all.map_err(|error| refused(host, error.into()))
    };
    let runtime = |it: &WarmRuntime| {
        let env = it.env.iter();
        let env = env.map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Runtime {
            argv: strings(it.argv.clone())?,
            env: strings(env)?,
        })
    };
    host.runtimes.iter().map(runtime).collect()
}

fn refused(host: &WarmHost, source: std::io::Error) -> Error {
    Error::System {
        doing: format!("reading the commands of the warm host {}", host.name),
        source,
    }
}

fn nothing_to_start(host: &WarmHost) -> Error {
    refused(host, std::io::ErrorKind::InvalidInput.into())
}

impl Link {
    /// Starts a spawner: one whose cells can run anything or, given a host, that runtime.
    pub(super) async fn start(
        config: &NativeConfig,
        host: Option<&WarmHost>,
    ) -> Result<Self, Error> {
        let link = Self {
            command: config.spawner.clone(),
            setup: setup(config, host)?.write(),
            spawner: Mutex::new(None),
        };
        *link.spawner.lock().await = Some(link.spawn(host.is_some()).await?);
        Ok(link)
    }

    async fn spawn(&self, in_background: bool) -> Result<Spawner, Error> {
        let doing = || format!("starting the spawner {}", self.command.program.display());
        let failed = |source| Error::System {
            doing: doing(),
            source,
        };
        let (ours, theirs) = channel::pair().map_err(failed)?;
        let child = Command::new(&self.command.program)
            .args(&self.command.args)
            // The worker's environment may hold secrets, and a cell's init is a fork of this.
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut spawner = Spawner {
            channel: Channel::new(ours).map_err(failed)?,
            child,
        };
        spawner.yield_to_others(in_background);
        let ready = async {
            spawner.channel.send(&self.setup, &[]).await?;
            spawner.channel.expect().await
        };
        let answer = match timeout(PATIENCE, ready).await {
            Ok(answer) => answer.map_err(failed)?,
            Err(late) => {
                let _ = spawner.child.kill().await;
                return Err(failed(late.into()));
            }
        };
        expect(&answer.bytes, kind::READY).map_err(Failure::into_error)?;
        spawner.yield_to_others(false);
        Ok(spawner)
    }

    /// Asks for a cell. The descriptors go to its init.
    pub(super) async fn make(&self, make: &Make, fds: &[OwnedFd]) -> Result<Made, Error> {
        let mut spawner = self.spawner.lock().await;
        for _ in 0..2 {
            let mut live = match spawner.take() {
                Some(live) => live,
                None => self.spawn(false).await?,
            };
            match ask(&live.channel, make, fds).await {
                Ok(answer) => {
                    *spawner = Some(live);
                    return answer;
                }
                Err(error) => {
                    tracing::warn!(%error, "the spawner is gone; starting another");
                    // It may be there and speak nonsense.
                    let _ = live.child.kill().await;
                }
            }
        }
        Err(Error::CellGone("the spawner keeps dying".into()))
    }

    /// Ends the spawner, and with it every cell that it made.
    pub(super) async fn close(&self) {
        if let Some(Spawner { channel, mut child }) = self.spawner.lock().await.take() {
            drop(channel);
            // It ends by itself once it sees the end of its channel.
            let _ = child.wait().await;
        }
    }
}

/// Asks once; the outer error means that the spawner is of no use any more.
async fn ask(
    channel: &Channel,
    make: &Make,
    fds: &[OwnedFd],
) -> std::io::Result<Result<Made, Error>> {
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    channel.send(&make.write(), &fds).await?;
    let answer = channel.expect().await?;
    let pid = match expect(&answer.bytes, kind::MADE) {
        Ok(mut reader) => reader.i32()?,
        Err(failure) => return Ok(Err(failure.into_error())),
    };
    Ok(Ok(Made {
        pid,
        pidfd: answer.into_fd()?,
    }))
}

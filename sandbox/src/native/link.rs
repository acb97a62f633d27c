//! The worker's way to its spawner, which is started again should it die.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::channel::{self, Channel};
use super::config::{NativeConfig, SpawnerCommand};
use super::protocol::{Make, Setup, expect, kind};
use super::wire::Failure;
use crate::Error;

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

impl Link {
    /// Starts a spawner.
    pub(super) async fn start(config: &NativeConfig) -> Result<Self, Error> {
        let setup = Setup {
            mounts: config.mounts.clone(),
            etc: config.etc.clone(),
        };
        let link = Self {
            command: config.spawner.clone(),
            setup: setup.write(),
            spawner: Mutex::new(None),
        };
        *link.spawner.lock().await = Some(link.spawn().await?);
        Ok(link)
    }

    async fn spawn(&self) -> Result<Spawner, Error> {
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
        let channel = Channel::new(ours).map_err(failed)?;
        channel.send(&self.setup, &[]).await.map_err(failed)?;
        let answer = channel.expect().await.map_err(failed)?;
        expect(&answer.bytes, kind::READY).map_err(Failure::into_error)?;
        Ok(Spawner { channel, child })
    }

    /// Asks for a cell. The descriptors go to its init.
    pub(super) async fn make(&self, make: &Make, fds: &[OwnedFd]) -> Result<Made, Error> {
        let mut spawner = self.spawner.lock().await;
        for _ in 0..2 {
            let mut live = match spawner.take() {
                Some(live) => live,
                None => self.spawn().await?,
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

//! A container as the worker holds it: made step by step, removed as a whole.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::unix::AsyncFd;

use super::accounts::Accounts;
use super::config::Runtime;
use super::link::{self, Reports, Requests};
use super::protocol::Report;
use super::{Shared, spec};
use crate::Error;
use crate::native::body::{failed, resize_disk};
use crate::native::cgroup::CpuTime;
use crate::native::uids::Uids;
use crate::native::wire::Failure;

/// How long a container may take from its start until its init answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Of all processes of a container init runs first: it is what ends the others.
const INIT_NICENESS: i32 = -20;

/// What gVisor itself takes of a container's memory.
const GVISOR_BYTES: u64 = 96 << 20;

/// Numbers the containers of this process.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A living container. Dropping it removes it in the background.
#[derive(Debug)]
pub(super) struct Body {
    /// There until it is removed.
    parts: Option<Box<Parts>>,
    shared: Arc<Shared>,
}

/// All that a container consists of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) id: String,
    /// Init's process number on this machine.
    pub(super) init: i32,
    /// Readable once init, and with it everything in the container, is dead.
    death: OwnedFd,
    pub(super) accounts: Accounts,
    pub(super) requests: Requests,
    /// `None` while a step's reader has it.
    pub(super) reports: Option<Reports>,
    /// Readable when the memory limit was reached.
    pub(super) memory_events: AsyncFd<OwnedFd>,
    /// What earlier steps have used.
    pub(super) cpu_before: CpuTime,
    pub(super) memory_kills_before: u64,
    pub(super) runtime: Runtime,
    /// The writable places, and how big they are.
    places: Vec<OwnedFd>,
    disk_bytes: u64,
    /// Not before the container is gone: no later one may meet anything of this one.
    _uids: Uids,
}

impl Body {
    /// Makes a container, up to an init that waits.
    pub(super) async fn make(shared: Arc<Shared>, disk_bytes: u64) -> Result<Self, Error> {
        let uids = Uids::take(shared.config.uids)
            .ok_or_else(|| Error::CellGone("there are too many cells".into()))?;
        let owner = std::process::id();
        let name = format!("runlog-{owner}-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let uid = uids.first();
        let body = spec::container(&shared.config, &shared.labels, uid, disk_bytes);
        // Removed if anything goes wrong, and if nobody waits for it any more.
        let mut made = Unfinished {
            id: Some(shared.api.create(name, body).await?),
            shared: Arc::clone(&shared),
        };
        let id = made.id.clone().unwrap_or_default();
        let settled = settle(&shared, id, uids, disk_bytes);
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        let parts = settled
            .map_err(|_| Error::CellGone("a new container's init did not answer".to_owned()))??;
        made.id = None;
        Ok(Self {
            parts: Some(Box::new(parts)),
            shared,
        })
    }

    pub(super) fn parts(&mut self) -> &mut Parts {
        self.parts.as_mut().expect("parts leave only with the body")
    }

    /// Whether it can still be used.
    pub(super) fn is_alive(&self) -> bool {
        self.parts.as_ref().is_some_and(|parts| !parts.is_dead())
    }

    /// Bytes of memory that it takes.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        self.parts.as_ref()?.accounts.memory_used().ok()
    }

    /// Whether its disk has a size, or can be given it.
    pub(super) fn fits(&self, disk_bytes: u64) -> bool {
        let parts = self.parts.as_ref();
        parts.is_some_and(|parts| parts.disk_bytes == disk_bytes || !parts.places.is_empty())
    }

    /// Gives the container's disk another size; before any step.
    pub(super) fn resize_disk(&mut self, bytes: u64) -> Result<(), Error> {
        let parts = self.parts();
        if parts.disk_bytes != bytes {
            for place in &parts.places {
                resize_disk(place, bytes).map_err(failed("resizing the cell's disk"))?;
            }
            parts.disk_bytes = bytes;
        }
        Ok(())
    }

    /// Kills what is in the container and waits until nothing of it is left.
    pub(super) async fn destroy(mut self) -> Result<(), Error> {
        match self.parts.take() {
            Some(parts) => parts.destroy(&self.shared).await,
            None => Ok(()),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            let shared = Arc::clone(&self.shared);
            self.shared.in_background(async move {
                if let Err(error) = parts.destroy(&shared).await {
                    tracing::warn!(%error, "a cell could not be removed");
                }
            });
        }
    }
}

/// A container that is not yet a cell.
struct Unfinished {
    id: Option<String>,
    shared: Arc<Shared>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let shared = Arc::clone(&self.shared);
            self.shared
                .in_background(async move { shared.remove(&id).await });
        }
    }
}

/// From a created container to one whose init waits.
async fn settle(
    shared: &Arc<Shared>,
    id: String,
    uids: Uids,
    disk_bytes: u64,
) -> Result<Parts, Error> {
    let connection = shared.api.attach(&id).await?;
    let (requests, mut reports, writing) = link::split(connection);
    shared.in_background(writing);
    shared.api.start(&id).await?;
    match reports
        .next()
        .await
        .map_err(failed("waiting for the container's init"))?
    {
        Report::Ready => {}
        Report::Failed(failure) => return Err(failure.into_error()),
        _ => return Err(nonsense()),
    }
    let state = shared.api.state(&id).await?;
    let what = "taking hold of the container's init";
    let init =
        Pid::from_raw(state.pid).ok_or_else(|| failed(what)(io::ErrorKind::NotFound.into()))?;
    let death = rustix::process::pidfd_open(init, PidfdFlags::empty());
    let death = death.map_err(|error| failed(what)(error.into()))?;
    let runtime = shared.config.runtime;
    let overhead = if runtime == Runtime::Runsc {
        GVISOR_BYTES
    } else {
        0
    };
    let mut accounts = Accounts::find(
        &shared.config.cgroup_root,
        state.pid,
        spec::PARKED_MEMORY,
        overhead,
    )
    .map_err(failed("finding the container's control groups"))?;
    let events = accounts.memory_events().and_then(crate::native::sys::watch);
    let memory_events = events.map_err(failed("watching the container's memory"))?;
    let mut places = Vec::new();
    if runtime == Runtime::Runc {
        // A failure leaves init where it is: slower to end others in the worst case.
        let _ = rustix::process::setpriority_process(Some(init), INIT_NICENESS);
        places = open_places(state.pid).map_err(failed("opening the container's disk"))?;
    }
    let cpu_before = accounts.cpu().map_err(failed("reading CPU time"))?;
    Ok(Parts {
        id,
        init: state.pid,
        death,
        accounts,
        requests,
        reports: Some(reports),
        memory_events,
        cpu_before,
        memory_kills_before: 0,
        runtime,
        places,
        disk_bytes,
        _uids: uids,
    })
}

/// No program has run yet, so these are what they are called.
fn open_places(init: i32) -> io::Result<Vec<OwnedFd>> {
    ["box", "tmp", "dev/shm"]
        .map(|place| Ok(File::open(format!("/proc/{init}/root/{place}"))?.into()))
        .into_iter()
        .collect()
}

pub(super) fn nonsense() -> Error {
    Failure::new(
        "hearing the container's init",
        &crate::native::wire::malformed(),
    )
    .into_error()
}

impl Parts {
    fn is_dead(&self) -> bool {
        let mut fds = [rustix::event::PollFd::new(
            &self.death,
            rustix::event::PollFlags::IN,
        )];
        let at_once = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        rustix::event::poll(&mut fds, Some(&at_once)) != Ok(0)
    }

    /// The working directory, as it was before any program could change a path to it.
    pub(super) fn folder(&self) -> io::Result<OwnedFd> {
        let folder = self.places.first().ok_or(io::ErrorKind::Unsupported)?;
        folder.try_clone()
    }

    /// Kills everything in the container, without the daemon's help.
    pub(super) fn kill(&self) {
        // It may be dead already.
        let _ = rustix::process::pidfd_send_signal(&self.death, Signal::KILL);
    }

    async fn destroy(self: Box<Self>, shared: &Shared) -> Result<(), Error> {
        self.kill();
        let removed = shared.api.remove(&self.id).await;
        if removed.is_err() {
            shared.remember(self.id.clone());
        }
        removed
    }
}

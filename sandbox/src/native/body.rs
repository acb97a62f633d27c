//! A cell as the worker holds it: made step by step, taken apart as a whole.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mount::FsPickFlags;
use rustix::process::Signal;
use tokio::io::unix::AsyncFd;

use super::cgroup::{CpuTime, Group};
use super::channel::{self, Channel};
use super::flavour::Flavour;
use super::link::Link;
use super::primed::Primed;
use super::protocol::{Make, expect, kind};
use super::uids::Uids;
use super::wire::Failure;
use super::{Shared, sys};
use crate::Error;

/// Bytes of disk for which a cell may have one file: files of 4 KiB on average, within bounds.
const BYTES_PER_INODE: u64 = 4096;
const INODES: std::ops::RangeInclusive<u64> = 1024..=65_536;

/// Numbers the cells of this process.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A living cell. Dropping it removes it in the background.
#[derive(Debug)]
pub(super) struct Body {
    /// There until it is taken apart.
    parts: Option<Box<Parts>>,
    shared: Arc<Shared>,
}

/// All that a cell consists of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) group: Group,
    /// Init's process number on the host.
    pub(super) init: i32,
    /// Readable once init, and with it everything in the cell, is dead.
    pub(super) death: AsyncFd<OwnedFd>,
    pub(super) control: Channel,
    /// The working directory.
    pub(super) folder: Option<OwnedFd>,
    /// The primed process, until it goes.
    pub(super) primed: Option<Primed>,
    /// The runtime that waits for the step after the next.
    pub(super) later: Option<Primed>,
    /// Readable when the memory limit was reached.
    pub(super) memory_events: AsyncFd<OwnedFd>,
    /// What earlier steps have used.
    pub(super) cpu_before: CpuTime,
    pub(super) memory_kills_before: u64,
    /// Whether there may be more than init and what it keeps primed.
    pub(super) may_be_crowded: bool,
    pub(super) disk_bytes: u64,
    pub(super) uids: Uids,
    /// Init dies with its spawner.
    _link: Arc<Link>,
}

pub(crate) fn failed(doing: &str) -> impl FnOnce(io::Error) -> Error {
    let doing = doing.to_owned();
    move |source| Error::System { doing, source }
}

pub(crate) fn inodes(disk_bytes: u64) -> u64 {
    (disk_bytes / BYTES_PER_INODE).clamp(*INODES.start(), *INODES.end())
}

/// Gives the tmpfs that a folder is on another size.
pub(crate) fn resize_disk(folder: &OwnedFd, bytes: u64) -> io::Result<()> {
    let flags = FsPickFlags::FSPICK_EMPTY_PATH | FsPickFlags::FSPICK_CLOEXEC;
    let disk = rustix::mount::fspick(folder, "", flags)?;
    rustix::mount::fsconfig_set_string(disk.as_fd(), "size", bytes.to_string())?;
    rustix::mount::fsconfig_set_string(disk.as_fd(), "nr_inodes", inodes(bytes).to_string())?;
    Ok(rustix::mount::fsconfig_reconfigure(disk.as_fd())?)
}

/// Runs what may take milliseconds where that hurts nobody.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::CellGone(format!("a task of ours was lost: {error}")))
}

impl Body {
    /// Makes a cell, up to a primed process.
    pub(super) async fn make(
        shared: Arc<Shared>,
        (flavour, link): (Arc<Flavour>, Arc<Link>),
        disk_bytes: u64,
    ) -> Result<Self, Error> {
        let uids = Uids::take(shared.config.uids)
            .ok_or_else(|| Error::CellGone("there are too many cells".into()))?;
        let name = format!("cell-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let (for_group, init_uid) = (Arc::clone(&shared), uids.first());
        let (group, fds) = aside(move || {
            let mut group = for_group.tree.group(&name)?;
            match open(&mut group, init_uid) {
                Ok(fds) => Ok((group, fds)),
                Err(error) => {
                    let _ = for_group.tree.take_back(group);
                    Err(failed("handing the cell its cgroup")(error))
                }
            }
        })
        .await??;
        let make = Make {
            uid: uids.first(),
            disk_bytes,
            inodes: inodes(disk_bytes),
            has_unified: fds.0.is_some(),
        };
        let mut body = spawn((shared, link), group, fds, uids, make).await?;
        match body.settle(&flavour).await {
            Ok(()) => Ok(body),
            Err(error) => {
                body.destroy().await?;
                Err(error)
            }
        }
    }

    /// From the new init to a cell that waits.
    async fn settle(&mut self, flavour: &Flavour) -> Result<(), Error> {
        let parts = self.parts();
        let isolated = parts.control.expect().await;
        let isolated = isolated.map_err(failed("waiting for the cell's init"))?;
        expect(&isolated.bytes, kind::ISOLATED).map_err(Failure::into_error)?;
        parts.folder = Some(
            isolated
                .into_fd()
                .map_err(failed("taking the working directory"))?,
        );
        map_ids(parts.init, parts.uids.first()).map_err(failed("mapping the cell's ids"))?;
        match flavour.started() {
            Some(host) => parts.start(host).await?,
            None => parts.prime().await?,
        }
        parts.cpu_before = parts.group.cpu().map_err(failed("reading CPU time"))?;
        Ok(())
    }

    pub(super) fn parts(&mut self) -> &mut Parts {
        self.parts.as_mut().expect("parts leave only with the body")
    }

    /// Whether it can still be used.
    pub(super) fn is_alive(&self) -> bool {
        let Some(parts) = &self.parts else {
            return false;
        };
        let primed = parts.primed.as_ref();
        sys::is_quiet(&parts.death) && primed.is_none_or(|primed| primed.channel.is_quiet())
    }

    /// Gives the cell's disk another size.
    pub(super) fn resize_disk(&mut self, bytes: u64) -> Result<(), Error> {
        let parts = self.parts();
        if parts.disk_bytes == bytes {
            return Ok(());
        }
        if let Some(folder) = &parts.folder {
            resize_disk(folder, bytes).map_err(failed("resizing the cell's disk"))?;
        }
        parts.disk_bytes = bytes;
        Ok(())
    }

    /// Kills what is in the cell and waits until nothing of it is left.
    pub(super) async fn destroy(mut self) -> Result<(), Error> {
        match self.parts.take() {
            Some(parts) => parts.destroy(Arc::clone(&self.shared)).await,
            None => Ok(()),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            let shared = Arc::clone(&self.shared);
            self.shared.in_background(async move {
                if let Err(error) = parts.destroy(shared).await {
                    tracing::warn!(%error, "a cell could not be removed");
                }
            });
        }
    }
}

impl Parts {
    async fn destroy(self, shared: Arc<Shared>) -> Result<(), Error> {
        let Self {
            mut group,
            death,
            control,
            folder,
            primed,
            later,
            memory_events,
            uids,
            may_be_crowded,
            ..
        } = self;
        drop((control, primed, later, folder, memory_events));
        if may_be_crowded {
            // What ends with its init waits until that has its turn among all the others.
            group.kill_all().map_err(failed("killing the cell"))?;
        } else {
            // It may end by itself just now, as it has no worker any more.
            let _ = rustix::process::pidfd_send_signal(death.get_ref(), Signal::KILL);
        }
        drop(
            death
                .readable()
                .await
                .map_err(failed("waiting for the cell's death"))?,
        );
        drop(death);
        let taken_back = aside(move || shared.tree.take_back(group)).await?;
        // Not before: no later cell may meet anything of this one.
        drop(uids);
        taken_back.map_err(failed("removing the cell's cgroups"))
    }
}

/// The v2 folders of a cell, and the ways into its v1 groups.
type GroupFds = (Option<[OwnedFd; 2]>, Vec<OwnedFd>);

fn open(group: &mut Group, init_uid: u32) -> io::Result<GroupFds> {
    Ok((group.open_unified(init_uid)?, group.open_tasks()?))
}

async fn spawn(
    (shared, link): (Arc<Shared>, Arc<Link>),
    mut group: Group,
    (unified, tasks): GroupFds,
    uids: Uids,
    make: Make,
) -> Result<Body, Error> {
    let made = async {
        let (ours, theirs) = channel::pair().map_err(failed("making a cell's channel"))?;
        let fds: Vec<_> = [theirs]
            .into_iter()
            .chain(unified.into_iter().flatten())
            .chain(tasks)
            .collect();
        let events = group.memory_events().and_then(sys::watch);
        let events = events.map_err(failed("watching the cell's memory"))?;
        let control = Channel::new(ours).map_err(failed("making a cell's channel"))?;
        let made = link.make(&make, &fds).await?;
        let death =
            sys::watch_for_reading(made.pidfd).map_err(failed("watching the cell's init"))?;
        Ok((events, control, made.pid, death))
    };
    match made.await {
        Ok((memory_events, control, init, death)) => {
            let parts = Parts {
                group,
                init,
                death,
                control,
                folder: None,
                primed: None,
                later: None,
                memory_events,
                cpu_before: CpuTime::default(),
                memory_kills_before: 0,
                may_be_crowded: false,
                disk_bytes: make.disk_bytes,
                uids,
                _link: link,
            };
            Ok(Body {
                parts: Some(Box::new(parts)),
                shared,
            })
        }
        Err(error) => {
            let _ = group.kill_all();
            let _ = aside(move || shared.tree.take_back(group)).await?;
            Err(error)
        }
    }
}

fn map_ids(pid: i32, first: u32) -> io::Result<()> {
    let program = super::init::PROGRAM;
    let map = format!(
        "0 {first} 1\n{program} {} 1\n",
        first + super::init::PROGRAM_OFFSET
    );
    std::fs::write(format!("/proc/{pid}/uid_map"), &map)?;
    std::fs::write(format!("/proc/{pid}/gid_map"), &map)
}

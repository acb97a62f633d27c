//! Small disks of their own for the servers, which can be full.
//!
//! They are mounted where only this program and what it starts can see them, and are gone with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;
use tokio::time::{sleep, timeout};

use super::fault::Blow;
use super::stage::Stage;
use super::tally::Tally;

/// More than the servers need; memory is taken only for what stands on it.
const SIZE_BYTES: u64 = 4 << 30;

/// What is left on a disk that is full.
const LEFT_BYTES: u64 = 64 << 10;

/// The table's line where there are none.
const LEFT_OUT: &str = "left out: full disks, which need root";

/// Gives this process mounts of its own. Before it has threads.
pub(crate) fn own_mounts() -> anyhow::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).context("no mounts of our own")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .context("mounts cannot be kept to ourselves")
}

/// A disk.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Mounts one at a folder that it makes; needs root.
    pub(crate) fn mount(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir(path).context("cannot make a folder")?;
        let disk = Self(path.to_owned());
        disk.resize(SIZE_BYTES, MsFlags::empty())?;
        Ok(disk)
    }

    /// Nothing fits any more.
    fn fill(&self) -> anyhow::Result<()> {
        loop {
            let told = statvfs(&self.0).context("cannot ask a disk")?;
            let used = (told.blocks() - told.blocks_free()) * told.fragment_size();
            // What is written meanwhile may no longer fit; then it is tried again.
            if self.resize(used + LEFT_BYTES, MsFlags::MS_REMOUNT).is_ok() {
                return Ok(());
            }
        }
    }

    fn empty(&self) -> anyhow::Result<()> {
        self.resize(SIZE_BYTES, MsFlags::MS_REMOUNT)
    }

    fn resize(&self, bytes: u64, flags: MsFlags) -> anyhow::Result<()> {
        let options = format!("size={bytes},mode=0755");
        let options = Some(options.as_str());
        mount(Some("runlog"), &self.0, Some("tmpfs"), flags, options).context("cannot mount a disk")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Its folder could not be removed otherwise. Who still uses it goes on until its end.
        umount2(&self.0, MntFlags::MNT_DETACH).ok();
    }
}

/// The disk of a nats-server is full for a while; it is started anew, since it does not recover by
/// itself.
pub(crate) async fn fill_nats(stage: &Stage, tally: &Tally, blow: Blow) -> anyhow::Result<()> {
    let one = blow.one % stage.nats.len();
    let Some(disk) = stage.nats_disks.get(one) else {
        tally.count(LEFT_OUT, 1);
        return Ok(());
    };
    let mut nats = stage.nats[one].lock().await;
    disk.fill()?;
    sleep(blow.hold).await;
    disk.empty()?;
    nats.kill().await?;
    nats.restart().await?;
    Ok(())
}

/// The disk of PostgreSQL is full for a while. Where that ended it, it is started anew.
pub(crate) async fn fill_postgres(
    stage: &Stage,
    tally: &Tally,
    hold: Duration,
) -> anyhow::Result<()> {
    let Some(disk) = &stage.postgres_disk else {
        tally.count(LEFT_OUT, 1);
        return Ok(());
    };
    let mut postgres = stage.postgres.lock().await;
    disk.fill()?;
    sleep(hold).await;
    disk.empty()?;
    // It may go on by itself, or find out a little later that it cannot.
    if timeout(Duration::from_secs(2), postgres.ended())
        .await
        .is_ok()
    {
        tally.count("PostgreSQL ended because its disk was full", 1);
        postgres.restart().await?;
    }
    Ok(())
}

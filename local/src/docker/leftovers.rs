//! What a daemon leaves that was killed: containers with their supervisors, mounts, control
//! groups.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{children, is_alive};

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends and removes everything of the daemon whose data are in `folder`.
pub(super) fn remove(folder: &Path, cgroup_parent: &str) {
    let mut doomed = Vec::new();
    for supervisor in with_argument_in(folder) {
        // Containers first: without their supervisor they would be anybody's children.
        doomed.extend(children(supervisor));
        doomed.push(supervisor);
    }
    for pid in &doomed {
        // It may have ended by itself.
        kill(*pid, Signal::SIGKILL).ok();
    }
    let began = Instant::now();
    while doomed.iter().any(|pid| is_alive(*pid)) && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    for mount in mounts_in(folder).iter().rev() {
        umount2(mount, MntFlags::MNT_DETACH).ok();
    }
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = entries(root).into_iter().chain([root.to_owned()]);
    for hierarchy in hierarchies {
        let group = hierarchy.join(cgroup_parent.trim_start_matches('/'));
        // A process leaves its group just after its death was seen.
        while group.exists() && !remove_groups(&group) && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Processes that were started with a path in the folder.
fn with_argument_in(folder: &Path) -> Vec<Pid> {
    let folder = folder.to_string_lossy();
    let pids = entries(Path::new("/proc")).into_iter().filter_map(|entry| {
        let pid = entry.file_name()?.to_str()?.parse().ok()?;
        let command = fs::read(entry.join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command);
        command.contains(&*folder).then(|| Pid::from_raw(pid))
    });
    pids.filter(|pid| *pid != Pid::this()).collect()
}

fn mounts_in(folder: &Path) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    let places = places.map(PathBuf::from);
    places.filter(|place| place.starts_with(folder)).collect()
}

/// Control groups can only be removed from the inside out.
fn remove_groups(group: &Path) -> bool {
    for inner in entries(group) {
        if inner.is_dir() {
            remove_groups(&inner);
        }
    }
    fs::remove_dir(group).is_ok()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

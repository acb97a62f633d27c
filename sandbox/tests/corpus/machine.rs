//! What the machine itself says: its processes, and how much of a time it has given us.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The variable that every run has, with a value of its own.
pub(crate) const MARK: &str = "RUNLOG_ATTACK";

/// Time that the machine did not give us: how late a thread wakes up that only sleeps. Times are
/// judged with this taken off, so that a busy machine breaks no promise of ours.
#[derive(Debug)]
pub(crate) struct StallWatch {
    stalled_us: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

/// A nap, and how much too long one may be for nothing to be counted.
const NAP: Duration = Duration::from_millis(2);
const USUAL: Duration = Duration::from_millis(5);

impl StallWatch {
    pub(crate) fn start() -> Self {
        let (stalled_us, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counted, stopped) = (Arc::clone(&stalled_us), Arc::clone(&stop));
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(NAP);
                let late = began.elapsed().saturating_sub(NAP);
                if late > USUAL {
                    counted.fetch_add(late.as_micros() as u64, Ordering::Relaxed);
                }
            }
        });
        Self { stalled_us, stop }
    }

    /// All stalls so far; the difference of two is what fell between them.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_micros(self.stalled_us.load(Ordering::Relaxed))
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The machine's processes that have this text in their environment: a run and what it started,
/// in whatever namespace.
pub(crate) fn marked(text: &str) -> BTreeSet<u32> {
    let has = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    processes().into_iter().filter(has).collect()
}

/// The numbers of all processes of the machine.
fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// All processes that descend from one, which is not among them.
pub(crate) fn descendants(of: u32) -> BTreeSet<u32> {
    let parents: BTreeMap<_, _> = processes()
        .into_iter()
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut found = BTreeSet::from([of]);
    loop {
        let more: Vec<_> = parents
            .iter()
            .filter(|(pid, parent)| found.contains(parent) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            found.remove(&of);
            return found;
        }
        found.extend(more);
    }
}

/// The children of this process that have this in their command line.
pub(crate) fn children(command: &str) -> Vec<u32> {
    let own = std::process::id();
    let is_one = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        parent(*pid) == Some(own) && String::from_utf8_lossy(&line).contains(command)
    };
    processes().into_iter().filter(is_one).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = stat.rsplit_once(')')?.1;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Descriptors that this process has open, but for those of control groups, which serve the next
/// cell: files, and one that tells when memory was short. (`leftovers` of the suite counts all.)
pub(crate) fn descriptors() -> usize {
    let all = std::fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    let open = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let is_of_group = |path: &std::path::PathBuf| {
        path.starts_with("/sys/fs/cgroup") || path.as_os_str() == "anon_inode:[eventfd]"
    };
    open.filter(|path| !is_of_group(path)).count()
}

/// Bytes that this process has in memory.
pub(crate) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("a number")
        << 10
}

/// The mounts that this process sees.
pub(crate) fn mounts() -> BTreeSet<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("/proc");
    mounts.lines().map(str::to_owned).collect()
}

/// System V objects of the machine that have the attacks' key.
pub(crate) fn ipc_objects() -> Vec<String> {
    let key = 0x5255_4e4c.to_string();
    let mut found = Vec::new();
    for kind in ["shm", "sem", "msg"] {
        let all = std::fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let ours = all
            .lines()
            .filter(|line| line.split_whitespace().next() == Some(key.as_str()));
        found.extend(ours.map(|line| format!("the IPC object {kind} {line}")));
    }
    found
}

/// Files with the attacks' name where they would be if they had got out.
pub(crate) fn planted_files() -> Vec<String> {
    let mut found = Vec::new();
    for place in [
        "/",
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/run",
        "/etc",
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/opt",
        "/dev/mqueue",
        ".",
    ] {
        let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        found.extend(
            names
                .filter(|name| name.starts_with("runlog-attack"))
                .map(|name| format!("the file {place}/{name}")),
        );
    }
    found
}

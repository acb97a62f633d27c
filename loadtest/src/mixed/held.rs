//! What a Runlog holds of the machine, from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use crate::processes;
use crate::report::{Figure, Report, say};

/// How long it may take to let go of everything: pools shrink as demand is forgotten.
const SETTLE: Duration = Duration::from_secs(400);

/// Memory that a process may keep for later after much work.
const KEPT_MB: f64 = 48.0;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    processes: usize,
    /// Open files of the service itself.
    descriptors: usize,
    mounts: usize,
    control_groups: usize,
    namespaces: usize,
    memory_bytes: u64,
}

impl Held {
    /// Of the service, and of all that it started.
    pub(super) fn look(pid: u32) -> anyhow::Result<Self> {
        let below = processes::below(pid);
        let own = PathBuf::from(format!("/proc/{pid}"));
        let entries = |path: PathBuf| fs::read_dir(path).map(Iterator::count);
        let mounts = fs::read_to_string(own.join("mountinfo")).context("it has ended")?;
        let mut groups = 0;
        count_groups(
            Path::new("/sys/fs/cgroup"),
            &format!("runlog-{pid}-"),
            &mut groups,
        );
        Ok(Self {
            processes: below.len(),
            descriptors: entries(own.join("fd")).context("it has ended")?,
            mounts: mounts.lines().count(),
            control_groups: groups,
            namespaces: namespaces(&below).len(),
            memory_bytes: processes::family(pid)?.memory_bytes,
        })
    }

    /// Waits until no more is held than before, or as long as that may take.
    pub(super) async fn settle(pid: u32, before: &Self) -> anyhow::Result<Self> {
        say("waiting until everything is let go of");
        let begin = Instant::now();
        loop {
            let now = Self::look(pid)?;
            let is_back = now
                .counts()
                .iter()
                .zip(before.counts())
                .all(|(now, then)| now.1 <= then.1);
            if is_back || begin.elapsed() > SETTLE {
                return Ok(now);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn counts(&self) -> [(&'static str, usize); 5] {
        [
            ("mixed_processes_more", self.processes),
            ("mixed_descriptors_more", self.descriptors),
            ("mixed_mounts_more", self.mounts),
            ("mixed_control_groups_more", self.control_groups),
            ("mixed_namespaces_more", self.namespaces),
        ]
    }

    /// How much more is held than before.
    #[expect(
        clippy::cast_precision_loss,
        reason = "shown in megabytes, and counts are small"
    )]
    pub(super) fn report(&self, before: &Self, runs: u64, report: &mut Report) {
        for ((name, now), (_, then)) in self.counts().into_iter().zip(before.counts()) {
            let more = now as f64 - then as f64;
            report.add(Figure::single(name, "", runs, more).at_most("value", 0.0));
        }
        let more = (self.memory_bytes as f64 - before.memory_bytes as f64) / 1e6;
        let memory = Figure::single("mixed_memory_more", "MB", runs, more);
        report.add(memory.at_most("value", KEPT_MB));
    }
}

/// Folders of control groups with that beginning, and those in them.
fn count_groups(folder: &Path, beginning: &str, count: &mut usize) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let is_ours = entry.file_name().to_string_lossy().starts_with(beginning);
        // Whatever is in one of ours is ours too.
        let inner = if is_ours { "" } else { beginning };
        *count += usize::from(is_ours);
        count_groups(&entry.path(), inner, count);
    }
}

/// The namespaces that any of the processes is in.
fn namespaces(pids: &[u32]) -> BTreeSet<PathBuf> {
    let kinds = ["mnt", "net", "pid", "user", "ipc", "uts", "cgroup"];
    let all = pids
        .iter()
        .flat_map(|pid| kinds.map(|kind| format!("/proc/{pid}/ns/{kind}")));
    all.filter_map(|path| fs::read_link(path).ok()).collect()
}

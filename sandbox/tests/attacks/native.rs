//! The native engine as ground for the corpus.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine, SpawnerCommand};

use super::corpus::{Ground, Site, machine};

/// Where the cells have the canary tree.
const TREE: &str = "/opt/runlog-canary";

/// No cell waits beforehand: what is there after a run is what the run has left.
pub(crate) fn config(site: &Site) -> NativeConfig {
    NativeConfig {
        spawner: SpawnerCommand {
            program: env!("CARGO_BIN_EXE_cell-spawner").into(),
            args: Vec::new(),
        },
        mounts: vec![Mount {
            host: site.canaries.tree(),
            inside: TREE.into(),
        }],
        parked_cells: 0,
        ..NativeConfig::new()
    }
}

/// An engine as ground.
pub(crate) fn ground_of(engine: Arc<NativeEngine>, site: Site) -> Ground {
    Ground {
        engine,
        site,
        tree_inside: TREE,
        grace: Duration::from_secs(1),
        leftovers,
    }
}

/// Cells of this process's engines: their processes, and their control groups.
fn leftovers() -> Vec<String> {
    let own = std::process::id();
    let known = |pid: &u32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).into_owned();
        // The spawner's cells are forks of it and have its command line, but not our mounts.
        let parent = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = parent
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent == Some(own) && (command.contains("cell-spawner") || command.starts_with("/bin/cat"))
    };
    let processes = machine::descendants(own)
        .into_iter()
        .filter(|pid| !known(pid));
    let mut left: Vec<_> = processes
        .map(|pid| format!("the cell's process {pid} is left"))
        .collect();
    left.extend(
        groups(own)
            .into_iter()
            .map(|group| format!("the cgroup {} is left", group.display())),
    );
    left
}

/// The control groups of a process's cells.
pub(crate) fn groups(pid: u32) -> Vec<PathBuf> {
    let (mut found, mut look) = (Vec::new(), vec![(PathBuf::from("/sys/fs/cgroup"), false)]);
    while let Some((folder, is_ours)) = look.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if is_ours {
                found.push(entry.path());
            } else {
                let ours = entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with(&format!("runlog-{pid}-"));
                look.push((entry.path(), ours));
            }
        }
    }
    found
}

//! What cells of the native engine leave on the machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::ground::Ground;
use super::machine;

/// Of this process's engines, where no cell waits but the one that a runtime is started in.
pub(crate) fn leftovers(ground: &Ground) -> Vec<String> {
    let own = std::process::id();
    let groups: Vec<_> = groups(own)
        .into_iter()
        .filter(|group| !is_as_new(group))
        .collect();
    let cells: BTreeSet<_> = groups
        .iter()
        .filter_map(|group| group.file_name())
        .collect();
    if ground.host.is_some_and(|host| !host.is_forked()) && cells.len() <= 1 {
        // Without its control group no process of a cell lives.
        return Vec::new();
    }
    let groups = groups.iter().map(|group| group.display());
    let mut left: Vec<_> = groups
        .map(|group| format!("the cgroup {group} is left"))
        .collect();
    // Cells are forks of these and have their command lines, but another parent.
    let ours = ["cell-spawner", "/usr/bin/python3", "/bin/cat"];
    let known: BTreeSet<u32> = ours
        .iter()
        .flat_map(|command| machine::children(command))
        .collect();
    let processes = machine::descendants(own)
        .into_iter()
        .filter(|pid| !known.contains(pid));
    left.extend(processes.map(|pid| format!("the cell's process {pid} is left")));
    left
}

/// Whether a control group may wait for another cell: nobody is in it, or in one below it, and no
/// charge, kill or weight of the last one can be told. Limits are each step's own.
fn is_as_new(group: &Path) -> bool {
    let read = |file: &str| std::fs::read_to_string(group.join(file)).ok();
    let number = |file: &str| read(file).and_then(|text| text.trim().parse::<u64>().ok());
    let below = std::fs::read_dir(group).into_iter().flatten().flatten();
    read("cgroup.procs").is_some_and(|processes| processes.is_empty())
        && number("memory.usage_in_bytes").is_none_or(|bytes| bytes < 1 << 20)
        && number("cpu.shares").is_none_or(|shares| shares == 1024)
        && read("memory.oom_control").is_none_or(|control| control.contains("oom_kill 0"))
        && below
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .all(|entry| is_as_new(&entry.path()))
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

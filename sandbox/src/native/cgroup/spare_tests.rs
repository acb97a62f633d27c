//! When control groups serve another cell.

use std::path::{Path, PathBuf};

use super::tests::{MEMORY_ONE, OWN_ONE, files, limits, one, owner, read};
use super::tree::Tree;

/// The folders of the first cell's memory and pids groups, as after its end.
fn an_ended_cell(root: &Path) -> (PathBuf, PathBuf) {
    let of = |controller: &str| root.join(controller).join(owner().folder()).join("cell-0");
    let (memory, pids) = (of("memory/worker"), of("pids/worker"));
    files(&memory, MEMORY_ONE);
    files(&memory, &[("memory.usage_in_bytes", "5000")]);
    files(&memory, &[("memory.oom_control", "oom_kill 0\n")]);
    files(&pids, &[("pids.max", "max"), ("pids.current", "0")]);
    (memory, pids)
}

#[test]
fn the_groups_of_an_ended_cell_are_as_new_for_another() {
    let root = one(true);
    let tree = Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let (memory, pids) = an_ended_cell(root.path());
    group.limit(&limits(50_000)).unwrap();
    assert_eq!(read(pids.join("pids.max")), "11");

    tree.take_back(group).unwrap();
    let mut group = tree.group("cell-1").unwrap();
    for file in ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"] {
        assert_eq!(read(memory.join(file)), u64::MAX.to_string());
    }
    assert_eq!(read(pids.join("pids.max")), "max");
    assert!(!memory.with_file_name("cell-1").exists());
    group.limit(&limits(50_000)).unwrap();
    assert_eq!(read(memory.join("memory.limit_in_bytes")), "50000");
    assert_eq!(read(pids.join("pids.max")), "11");
}

/// Whoever has not left, what is charged and what was killed: a later cell could tell.
#[test]
fn groups_with_a_trace_are_removed() {
    for (of_memory, file, trace) in [
        (false, "pids.current", "1"),
        (true, "memory.usage_in_bytes", "9999999"),
        (true, "memory.oom_control", "oom_kill 1\n"),
    ] {
        let root = one(true);
        let tree = Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap();
        let group = tree.group("cell-0").unwrap();
        let (memory, pids) = an_ended_cell(root.path());
        files(if of_memory { &memory } else { &pids }, &[(file, trace)]);
        // Unlike the kernel's, a folder with files in it stays.
        assert!(tree.take_back(group).is_err(), "{file}");
        tree.group("cell-1").unwrap();
        assert!(memory.with_file_name("cell-1").exists(), "{file}");
    }
}

/// Also where a later step of the same cell had a new group.
#[test]
fn groups_through_which_was_killed_are_removed() {
    let root = one(true);
    let tree = Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let (memory, _) = an_ended_cell(root.path());
    let steps = root.path().join("unified").join(owner().folder());
    files(&steps.join("cell-0/steps"), &[("cgroup.kill", "")]);
    group.kill_steps(1).unwrap();
    // Without the file that the kernel makes with the folder.
    assert!(group.renew_steps(0).is_err());
    assert!(tree.take_back(group).is_err());
    tree.group("cell-1").unwrap();
    assert!(memory.with_file_name("cell-1").exists());
}

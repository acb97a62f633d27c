//! The drivers on trees of plain files, so that every kernel's layout is tested on any.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::CpuTime;
use super::tree::{Owner, Tree};
use crate::StepLimits;

pub(super) fn owner() -> Owner {
    Owner::find(std::process::id()).unwrap()
}

pub(super) fn files(folder: &Path, names: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    for (name, content) in names {
        fs::write(folder.join(name), content).unwrap();
    }
}

pub(super) fn read(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

/// The kernel makes a group's files with its folder; here they come afterwards.
const MEMORY_TWO: &[(&str, &str)] = &[
    ("memory.current", "1000000\n"),
    ("memory.max", "max\n"),
    ("memory.swap.max", "max\n"),
    ("memory.peak", "2000000\n"),
    (
        "memory.events",
        "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n",
    ),
    ("pids.max", "max\n"),
    ("cgroup.procs", ""),
    ("cgroup.kill", ""),
];

pub(super) fn limits(memory_bytes: u64) -> StepLimits {
    StepLimits {
        wall: Duration::from_secs(1),
        cpu: Duration::from_secs(1),
        memory_bytes,
        processes: 10,
        file_bytes: 1,
    }
}

/// A machine with v2 only, the worker in a service of its own.
fn two() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    files(
        root.path(),
        &[
            ("cgroup.controllers", "cpuset cpu io memory pids\n"),
            ("cgroup.procs", ""),
        ],
    );
    let service = root.path().join("system.slice/runlog.service");
    files(
        &service,
        &[("cgroup.procs", ""), ("cgroup.subtree_control", "")],
    );
    (root, service)
}

const OWN_TWO: &str = "0::/system.slice/runlog.service\n";

#[test]
fn cells_of_v2_are_below_the_workers_own_group() {
    let (root, service) = two();
    let ours = service.join(owner().folder());
    files(&ours, &[("cgroup.subtree_control", "")]);
    let tree = Tree::make_below(root.path(), OWN_TWO, &owner()).unwrap();
    assert_eq!(read(service.join("cgroup.subtree_control")), "+cpu");
    assert_eq!(read(ours.join("cgroup.subtree_control")), "+cpu");

    let mut group = tree.group("cell-0").unwrap();
    let cell = ours.join("cell-0");
    assert!(cell.join("steps").is_dir());
    files(&cell, MEMORY_TWO);
    group.limit(&limits(64 << 20)).unwrap();
    assert_eq!(read(cell.join("memory.max")), (64 << 20).to_string());
    assert_eq!(read(cell.join("memory.swap.max")), "0");
}

#[test]
fn v2_is_counted_and_killed() {
    let (root, service) = two();
    files(
        &service.join(owner().folder()),
        &[("cgroup.subtree_control", "")],
    );
    let tree = Tree::make_below(root.path(), OWN_TWO, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let cell = service.join(owner().folder()).join("cell-0");
    files(&cell, MEMORY_TWO);
    files(
        &cell.join("steps"),
        &[
            (
                "cpu.stat",
                "usage_usec 900\nuser_usec 600\nsystem_usec 300\n",
            ),
            ("cgroup.kill", ""),
        ],
    );
    let expected = CpuTime {
        user: Duration::from_micros(600),
        system: Duration::from_micros(300),
    };
    assert_eq!(group.cpu().unwrap(), expected);
    files(&cell, &[("cpu.weight", "100")]);
    group.give_way();
    assert_eq!(read(cell.join("cpu.weight")), "1");
    assert_eq!(group.memory_kills().unwrap(), 1);
    assert_eq!(group.memory_peak().unwrap(), 2_000_000);
    group.kill_steps(1).unwrap();
    assert_eq!(read(cell.join("steps/cgroup.kill")), "1");
    assert_eq!(read(cell.join("cgroup.kill")), "");
    group.kill_all().unwrap();
    assert_eq!(read(cell.join("cgroup.kill")), "1");
}

/// The events file is watched: writing to it wakes.
#[test]
fn v2_tells_when_memory_is_full() {
    let (root, service) = two();
    files(
        &service.join(owner().folder()),
        &[("cgroup.subtree_control", "")],
    );
    let tree = Tree::make_below(root.path(), OWN_TWO, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let cell = service.join(owner().folder()).join("cell-0");
    files(&cell, MEMORY_TWO);
    let events = group.memory_events().unwrap();
    rustix::io::ioctl_fionbio(&events, true).unwrap();
    assert!(rustix::io::read(&events, &mut [0_u8; 256]).is_err());
    fs::write(cell.join("memory.events"), "oom_kill 2\n").unwrap();
    assert!(rustix::io::read(&events, &mut [0_u8; 256]).is_ok());
}

/// Too low a limit would have the kernel kill at once, init included.
#[test]
fn v2_never_sets_a_limit_below_what_is_used() {
    let (root, service) = two();
    files(
        &service.join(owner().folder()),
        &[("cgroup.subtree_control", "")],
    );
    let tree = Tree::make_below(root.path(), OWN_TWO, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let cell = service.join(owner().folder()).join("cell-0");
    files(&cell, MEMORY_TWO);
    group.limit(&limits(4096)).unwrap();
    assert_eq!(
        read(cell.join("memory.max")),
        (1_000_000 + (1 << 20)).to_string()
    );
}

/// v1 controllers, and v2 mounted beside them without any.
pub(super) fn one(unified: bool) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for controller in ["memory", "pids", "cpu,cpuacct"] {
        files(
            &root.path().join(controller).join("worker"),
            &[("cgroup.procs", "")],
        );
        files(&root.path().join(controller), &[("cgroup.procs", "")]);
    }
    for link in ["cpu", "cpuacct"] {
        std::os::unix::fs::symlink("cpu,cpuacct", root.path().join(link)).unwrap();
    }
    if unified {
        files(
            &root.path().join("unified"),
            &[("cgroup.controllers", "\n"), ("cgroup.procs", "")],
        );
    }
    root
}

pub(super) const OWN_ONE: &str = "4:memory:/worker\n8:pids:/worker\n2:cpu,cpuacct:/worker\n0::/\n";

pub(super) const MEMORY_ONE: &[(&str, &str)] = &[
    ("memory.limit_in_bytes", ""),
    ("memory.memsw.limit_in_bytes", ""),
    ("memory.max_usage_in_bytes", "70000"),
    (
        "memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    ),
    ("cgroup.procs", ""),
];

#[test]
fn v1_limits_and_v2_kills_where_both_are_mounted() {
    let root = one(true);
    let tree = Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let of = |controller: &str| {
        root.path()
            .join(controller)
            .join(owner().folder())
            .join("cell-0")
    };
    let (memory, pids) = (of("memory/worker"), of("pids/worker"));
    files(&memory, MEMORY_ONE);
    files(&pids, &[("pids.max", "max"), ("cgroup.procs", "")]);
    assert!(of("unified").join("steps").is_dir());
    assert!(of("cpu,cpuacct/worker").exists());

    let cpu = of("cpu,cpuacct/worker");
    files(&cpu, &[("cpu.shares", "1024")]);
    group.give_way();
    assert_eq!(read(cpu.join("cpu.shares")), "2");
    group.limit(&limits(50_000)).unwrap();
    assert_eq!(read(memory.join("memory.limit_in_bytes")), "50000");
    assert_eq!(read(memory.join("memory.memsw.limit_in_bytes")), "50000");
    assert_eq!(read(pids.join("pids.max")), "11");
    assert_eq!(group.memory_kills().unwrap(), 2);
    for folder in [&memory, &pids, &of("cpu,cpuacct/worker")] {
        files(folder, &[("tasks", "")]);
    }
    for tasks in group.open_tasks().unwrap() {
        rustix::io::write(tasks, b"0").unwrap();
    }
    assert_eq!(read(memory.join("tasks")), "0");
    assert_eq!(read(pids.join("tasks")), "0");
    assert_eq!(read(of("cpu,cpuacct/worker").join("tasks")), "0");
}

/// Nothing forks any more before the first is killed, and then the next step can.
#[test]
fn without_v2_each_process_is_killed() {
    let root = one(false);
    let tree = Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap();
    let mut group = tree.group("cell-0").unwrap();
    let of = |controller: &str| {
        root.path()
            .join(controller)
            .join(owner().folder())
            .join("cell-0")
    };
    let mut sleeper = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    files(
        &of("pids/worker"),
        &[
            ("pids.max", "max"),
            ("cgroup.procs", &format!("{}\n{}\n", sleeper.id(), 1)),
        ],
    );
    files(
        &of("cpu,cpuacct/worker"),
        &[
            ("cpuacct.usage_user", "5000\n"),
            ("cpuacct.usage_sys", "7000\n"),
        ],
    );
    group.kill_steps(1).unwrap();
    assert!(!sleeper.wait().unwrap().success());
    assert_eq!(read(of("pids/worker").join("pids.max")), "0");
    assert!(group.renew_steps(0).unwrap().is_none());
    assert_eq!(read(of("pids/worker").join("pids.max")), "max");
    let expected = CpuTime {
        user: Duration::from_nanos(5000),
        system: Duration::from_nanos(7000),
    };
    assert_eq!(group.cpu().unwrap(), expected);
    assert!(group.open_unified(0).unwrap().is_none());
}

#[test]
fn a_missing_controller_is_named() {
    let root = one(true);
    fs::remove_dir_all(root.path().join("pids")).unwrap();
    let error = Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap_err();
    assert!(
        error.to_string().contains("pids cgroup controller"),
        "{error}"
    );
}

/// What a dead worker left goes; what a living one has stays.
#[test]
fn only_the_dead_are_swept() {
    let root = one(true);
    let dead = Owner {
        started: 1,
        ..owner()
    };
    let in_another_container = Owner {
        started: 2,
        namespace: 1,
        ..owner()
    };
    for owner in [&dead, &owner(), &in_another_container] {
        for hierarchy in ["memory/worker", "pids/worker", "unified"] {
            let cell = root
                .path()
                .join(hierarchy)
                .join(owner.folder())
                .join("cell-9");
            fs::create_dir_all(cell).unwrap();
        }
    }
    fs::create_dir_all(root.path().join("unified/somebody-else")).unwrap();
    Tree::make_below(root.path(), OWN_ONE, &owner()).unwrap();
    for hierarchy in ["memory/worker", "pids/worker", "unified"] {
        let hierarchy = root.path().join(hierarchy);
        assert!(!hierarchy.join(dead.folder()).exists());
        for living in [owner(), in_another_container.clone()] {
            assert!(hierarchy.join(living.folder()).join("cell-9").exists());
        }
    }
    assert!(root.path().join("unified/somebody-else").exists());
}

#[test]
fn owners_have_names_that_are_read_back() {
    assert_eq!(Owner::parse(&owner().folder()), Some(owner()));
    for other in [
        "runlog",
        "runlog-1",
        "runlog-1-2",
        "runlog-x-1-2",
        "user.slice",
    ] {
        assert_eq!(Owner::parse(other), None);
    }
}

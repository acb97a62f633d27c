//! Where an engine's control groups are, and those that a dead engine left.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::group::{Group, remove};
use super::memory::Memory;
use super::spare::Spares;
use super::unified::Unified;
use super::{Version, write};
use crate::Error;

/// An engine's folder in each hierarchy that it uses.
#[derive(Debug)]
pub(crate) struct Tree {
    memory: (PathBuf, Version),
    pids: PathBuf,
    unified: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
    /// Where v1 has it: makes each cell one competitor for the processors, however many
    /// processes and sessions it has. v2 does so by itself once it has the controller.
    cpu: Option<PathBuf>,
    shares_processors: bool,
    spares: Spares,
}

/// The process that an engine lives in, told apart from a later one with the same number, and
/// from one of another container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    pub(crate) started: u64,
    /// Names the pid namespace in which `pid` counts.
    pub(crate) namespace: u64,
}

impl Owner {
    /// The owner with a process number, if such a process is there.
    pub(crate) fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let started = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(19)?
            .parse()
            .ok()?;
        Some(Self {
            pid,
            started,
            namespace: own_namespace()?,
        })
    }

    /// Whether it is there, or may be: nobody sees who lives in another namespace.
    pub(crate) fn may_live(&self) -> bool {
        own_namespace() != Some(self.namespace) || Self::find(self.pid).as_ref() == Some(self)
    }

    pub(crate) fn folder(&self) -> String {
        format!("runlog-{}-{}-{}", self.pid, self.started, self.namespace)
    }

    pub(crate) fn parse(folder: &str) -> Option<Self> {
        let (pid, rest) = folder.strip_prefix("runlog-")?.split_once('-')?;
        let (started, namespace) = rest.split_once('-')?;
        Some(Self {
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
            namespace: namespace.parse().ok()?,
        })
    }
}

/// Names the pid namespace of this process, in which it sees others.
fn own_namespace() -> Option<u64> {
    Some(fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

fn failed(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let doing = doing.into();
    move |source| Error::System { doing, source }
}

/// The hierarchies of a machine, below which an engine makes its folder.
#[derive(Debug)]
struct Found {
    memory: (PathBuf, Version),
    pids: PathBuf,
    unified: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
    cpu: Option<PathBuf>,
    shares_processors: bool,
}

impl Found {
    /// `own` is this process's place: the text of `/proc/self/cgroup`. Cells are made below it,
    /// so that limits set on the worker hold for them too.
    fn look(root: &Path, own: &str) -> Result<Self, Error> {
        let two = [root.to_owned(), root.join("unified")]
            .into_iter()
            .find(|path| path.join("cgroup.controllers").exists());
        let controllers = two
            .as_ref()
            .map(|two| fs::read_to_string(two.join("cgroup.controllers")));
        let controllers = controllers
            .transpose()
            .map_err(failed("reading cgroup.controllers"))?;
        let in_two = |name: &str| {
            controllers
                .as_ref()
                .is_some_and(|all| all.split_whitespace().any(|one| one == name))
        };
        let unified = two.map(|two| below(two, own, ""));
        let one = |name: &str| {
            // Often a link to a hierarchy of several controllers.
            let folder = fs::canonicalize(root.join(name)).ok()?;
            let is_there = folder.join("cgroup.procs").exists();
            is_there.then(|| below(folder, own, name))
        };
        let either = |name: &str| match (&unified, one(name)) {
            (Some(two), _) if in_two(name) => Ok((two.clone(), Version::Two)),
            (_, Some(one)) => Ok((one, Version::One)),
            _ => Err(failed(format!(
                "looking for the {name} cgroup controller in {}",
                root.display()
            ))(io::ErrorKind::NotFound.into())),
        };
        let (memory, pids) = (either("memory")?, either("pids")?.0);
        let cpuacct = if unified.is_none() {
            Some(either("cpuacct")?.0)
        } else {
            None
        };
        let cpu = one("cpu").filter(|_| !in_two("cpu"));
        Ok(Self {
            memory,
            pids,
            unified,
            cpuacct,
            shares_processors: cpu.is_some() || in_two("cpu"),
            cpu,
        })
    }

    fn all(&self) -> Vec<&Path> {
        let mut all: Vec<&Path> = vec![&self.memory.0, &self.pids];
        all.extend(self.unified.as_deref());
        all.extend(self.cpuacct.as_deref());
        all.extend(self.cpu.as_deref());
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// A process's own folder in a hierarchy; its root where the path is of another namespace.
fn below(hierarchy: PathBuf, own: &str, controller: &str) -> PathBuf {
    let path = own.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers
            .split(',')
            .any(|one| one == controller)
            .then_some(path)
    });
    let folder = hierarchy.join(path.unwrap_or_default().trim_start_matches('/'));
    if folder.join("cgroup.procs").exists() {
        folder
    } else {
        hierarchy
    }
}

/// How many engines of this process share its folders. Held while they are made and removed: one
/// engine must not remove what another has just found there.
static ENGINES: Mutex<usize> = Mutex::new(0);

fn engines() -> MutexGuard<'static, usize> {
    ENGINES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tree {
    /// Finds the hierarchies, removes what dead engines left, and makes this engine's folders.
    /// `engine` tells several in one process apart.
    pub(crate) fn make(root: &Path) -> Result<Self, Error> {
        let own = fs::read_to_string("/proc/self/cgroup");
        let own = own.map_err(failed("reading /proc/self/cgroup"))?;
        let owner = Owner::find(std::process::id()).ok_or(io::ErrorKind::NotFound.into());
        let owner = owner.map_err(failed("reading /proc/self/stat"))?;
        let mut engines = engines();
        let tree = Self::make_below(root, &own, &owner)?;
        *engines += 1;
        Ok(tree)
    }

    pub(super) fn make_below(root: &Path, own: &str, owner: &Owner) -> Result<Self, Error> {
        let found = Found::look(root, own)?;
        for hierarchy in found.all() {
            sweep(hierarchy, Owner::may_live);
            let folder = hierarchy.join(owner.folder());
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => {
                    other.map_err(failed(format!("making the cgroup {}", folder.display())))?
                }
            }
        }
        let two = found.memory.1 == Version::Two;
        if let (true, Some(unified)) = (two, &found.unified) {
            delegate(unified, owner)?;
        }
        let ours = |path: PathBuf| path.join(owner.folder());
        Ok(Self {
            memory: (ours(found.memory.0), found.memory.1),
            pids: ours(found.pids),
            unified: found.unified.map(ours),
            cpuacct: found.cpuacct.map(ours),
            cpu: found.cpu.map(ours),
            shares_processors: found.shares_processors,
            spares: Spares::default(),
        })
    }

    /// Whether each cell is one competitor for the processors.
    pub(in super::super) fn shares_processors(&self) -> bool {
        self.shares_processors
    }

    /// The groups of a cell: of one that has ended, or new ones with a name that no other has.
    pub(crate) fn group(&self, cell: &str) -> Result<Group, Error> {
        if let Some(spare) = self.spares.take() {
            return Ok(spare);
        }
        let memory = Memory::new(self.memory.0.join(cell), self.memory.1);
        let unified = match (&self.unified, &self.cpuacct) {
            (Some(two), _) => Unified::in_folder(two.join(cell)),
            (None, Some(cpuacct)) => Unified::without(cpuacct.join(cell)),
            (None, None) => unreachable!("one of both was found"),
        };
        let cpu = self.cpu.as_ref().map(|cpu| cpu.join(cell));
        Group::make(memory, self.pids.join(cell), unified, cpu)
            .map_err(failed(format!("making the cgroups of {cell}")))
    }

    /// Takes the groups of a cell back whose processes are dead. May take milliseconds.
    pub(crate) fn take_back(&self, group: Group) -> io::Result<()> {
        self.spares.keep(group)
    }

    /// Removes groups that have waited long for another cell. May take milliseconds.
    pub(crate) fn age(&self) {
        self.spares.age();
    }

    /// Removes the engine's own folders, unless another engine of this process uses them.
    pub(crate) fn remove(&self) {
        self.spares.clear();
        let mut engines = engines();
        *engines = engines.saturating_sub(1);
        if *engines > 0 {
            return;
        }
        let folders = [
            Some(&self.memory.0),
            Some(&self.pids),
            self.unified.as_ref(),
            self.cpuacct.as_ref(),
            self.cpu.as_ref(),
        ];
        folders
            .into_iter()
            .flatten()
            .for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Lets the cells' groups have the v2 controllers. A group that hands controllers on must hold
/// no process itself, so this process moves to a leaf.
fn delegate(unified: &Path, owner: &Owner) -> Result<(), Error> {
    let control = unified.join("cgroup.subtree_control");
    let hand_on = |path: &Path| {
        write(path, "+memory +pids")?;
        // Fair shares of the processors, where this controller is to be had.
        let _ = write(path, "+cpu");
        Ok::<_, io::Error>(())
    };
    if hand_on(&control).is_err() {
        let leaf = unified.join("runlog-worker");
        match fs::create_dir(&leaf) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other.map_err(failed("making a cgroup for the worker itself"))?,
        }
        let doing = "moving the worker into a cgroup of its own";
        write(&leaf.join("cgroup.procs"), owner.pid).map_err(failed(doing))?;
        hand_on(&control).map_err(failed(format!(
            "handing the memory and pids controllers on in {} (other processes are in it: start \
             the worker in a cgroup of its own, with systemd: Delegate=yes)",
            unified.display()
        )))?;
    }
    let own = unified.join(owner.folder()).join("cgroup.subtree_control");
    hand_on(&own).map_err(failed("handing the controllers on to the cells"))
}

/// Kills and removes what engines left behind that are no longer there.
fn sweep(hierarchy: &Path, is_alive: impl Fn(&Owner) -> bool) {
    for entry in fs::read_dir(hierarchy).into_iter().flatten().flatten() {
        let owner = entry.file_name().to_str().and_then(Owner::parse);
        if owner.is_some_and(|owner| !is_alive(&owner)) {
            tracing::warn!(group = %entry.path().display(), "removing what a dead worker left");
            if let Err(error) = clear(&entry.path()) {
                tracing::warn!(group = %entry.path().display(), %error, "could not remove it");
            }
        }
    }
}

/// Kills everything in a group and removes it with all groups below.
fn clear(folder: &Path) -> io::Result<()> {
    if write(&folder.join("cgroup.kill"), 1).is_err() {
        for pid in fs::read_to_string(folder.join("cgroup.procs"))
            .unwrap_or_default()
            .lines()
        {
            if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            clear(&entry.path())?;
        }
    }
    remove(folder)
}

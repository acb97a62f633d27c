//! The control groups of one cell.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::AtFlags;
use rustix::process::{Gid, Uid};

use super::super::weaken::{self, Weakening};
use super::gauge::Gauge;
use super::memory::Memory;
use super::unified::{CpuTime, Unified};
use super::write;
use crate::StepLimits;

/// A limit of an ended cell's that leaves the next one room to be made under it.
const ROOM_PROCESSES: u32 = 16;

/// How a cell competes with others for the processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It gets ready and yields to all that run a program.
    Parked,
    /// It runs one.
    Running,
}

/// A cell's control groups. Whoever has one must give it back to its tree.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) memory: Memory,
    pub(super) pids: PathBuf,
    pub(super) unified: Unified,
    /// Every folder, in the order of their making.
    pub(super) folders: Vec<PathBuf>,
    /// Where v1 weighs the cell's share of the processors.
    cpu: Option<PathBuf>,
    /// Whether its programs leave the processors to those of others.
    gives_way: bool,
    weight: Weight,
    pub(super) processes: Option<u32>,
    /// How many there are.
    present: Gauge,
    /// The v2 folders of the cell and of its steps.
    unified_folders: Option<[OwnedFd; 2]>,
    /// The ways into the v1 groups.
    tasks: Option<Vec<OwnedFd>>,
    /// A process that is forked into a group which was killed before dies at once on some
    /// kernels (6.18 for one), so after a kill steps need a new one. Where each process was killed
    /// by itself nothing can be forked until then.
    steps_are_spent: bool,
    /// Something was killed through it, so it serves no other cell: also where its steps have a new
    /// group since.
    is_spent: bool,
}

impl Group {
    /// Makes all folders; on failure none stays.
    pub(super) fn make(
        memory: Memory,
        pids: PathBuf,
        unified: Unified,
        cpu: Option<PathBuf>,
    ) -> io::Result<Self> {
        let mut wanted = vec![memory.folder().to_owned(), pids.clone()];
        match &unified {
            Unified::Present { cell, steps, .. } => wanted.extend([cell.clone(), steps.clone()]),
            Unified::Absent { cpuacct, .. } => wanted.push(cpuacct.clone()),
        }
        wanted.extend(cpu.clone());
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in wanted {
            if folders.contains(&folder) {
                continue;
            }
            if let Err(error) = fs::create_dir(&folder) {
                folders
                    .iter()
                    .rev()
                    .for_each(|made| drop(fs::remove_dir(made)));
                return Err(error);
            }
            folders.push(folder);
        }
        memory.limit_sockets()?;
        Ok(Self {
            memory,
            present: Gauge::new(pids.join("pids.current")),
            pids,
            unified,
            folders,
            cpu,
            gives_way: false,
            weight: Weight::Running,
            processes: None,
            unified_folders: None,
            tasks: None,
            steps_are_spent: false,
            is_spent: false,
        })
    }

    /// Makes it as new, for another cell, once all its processes are dead: `None` while one is still
    /// there, `false` where a later cell could tell that it is not new. Wide limits stay until the
    /// next step has its own.
    pub(super) fn renew(&mut self) -> io::Result<Option<bool>> {
        if self.is_spent {
            return Ok(Some(false));
        }
        if self.present.number()? > 0 {
            return Ok(None);
        }
        if self.processes.is_some_and(|most| most < ROOM_PROCESSES) {
            self.lift_processes()?;
        }
        if std::mem::take(&mut self.gives_way) || self.weight != Weight::Running {
            self.weigh(Weight::Running);
        }
        self.memory.renew().map(Some)
    }

    /// Takes the limits of an earlier step away again, for what may be more than a step is.
    pub(in super::super) fn lift_limits(&mut self) -> io::Result<()> {
        self.lift_processes()?;
        self.memory.lift()
    }

    fn lift_processes(&mut self) -> io::Result<()> {
        match self.processes.take() {
            Some(_) => write(&self.pids.join("pids.max"), "max"),
            None => Ok(()),
        }
    }

    /// The v2 folders of the cell and of its steps, to fork into. Init, whose host uid this is,
    /// may put its own children into the latter.
    pub(crate) fn open_unified(&mut self, init: u32) -> io::Result<Option<[OwnedFd; 2]>> {
        let Unified::Present { cell, steps, .. } = &self.unified else {
            return Ok(None);
        };
        if self.unified_folders.is_none() {
            self.unified_folders = Some([File::open(cell)?.into(), File::open(steps)?.into()]);
        }
        let Some([cell, steps]) = &self.unified_folders else {
            return Ok(None);
        };
        Ok(Some([let_in(cell, init)?, let_in(steps, init)?]))
    }

    /// Has further steps forked after a kill. A new folder for them, if the one there can take no
    /// further ones.
    pub(crate) fn renew_steps(&mut self, init: u32) -> io::Result<Option<OwnedFd>> {
        if !std::mem::take(&mut self.steps_are_spent) {
            return Ok(None);
        }
        if self.processes.is_none() {
            // As before the first step, until its limit is set.
            write(&self.pids.join("pids.max"), "max")?;
        }
        let Unified::Present { cell, steps, cpu } = &mut self.unified else {
            return Ok(None);
        };
        *steps = cell.join(format!("steps-{}", self.folders.len()));
        *cpu = Gauge::new(steps.join("cpu.stat"));
        fs::create_dir(&*steps)?;
        self.folders.push(steps.clone());
        let_in(&File::open(&*steps)?.into(), init).map(Some)
    }

    /// The ways into the v1 groups: a process that writes `0` to each is in them. It must do so
    /// itself and have one thread: moving another one, the kernel waits for all processors,
    /// which takes ten milliseconds on a machine that was idle.
    pub(crate) fn open_tasks(&mut self) -> io::Result<Vec<OwnedFd>> {
        let tasks = match self.tasks.take() {
            Some(tasks) => tasks,
            None => self.find_tasks()?,
        };
        let copies = tasks.iter().map(OwnedFd::try_clone).collect();
        self.tasks = Some(tasks);
        copies
    }

    fn find_tasks(&self) -> io::Result<Vec<OwnedFd>> {
        let is_unified = |folder: &PathBuf| match &self.unified {
            Unified::Present { cell, .. } => folder.starts_with(cell),
            Unified::Absent { .. } => false,
        };
        let folders = self.folders.iter().filter(|folder| !is_unified(folder));
        let open = |folder: &PathBuf| {
            let tasks = File::options().write(true).open(folder.join("tasks"))?;
            io::Result::Ok(tasks.into())
        };
        folders.map(open).collect()
    }

    /// Has its programs leave the processors to those of others.
    pub(in super::super) fn give_way(&mut self) {
        self.gives_way = true;
        self.weigh(Weight::Running);
    }

    /// Sets a step's limits and starts counting its peak.
    pub(crate) fn limit(&mut self, limits: &StepLimits) -> io::Result<()> {
        if !weaken::is(Weakening::Memory) {
            self.memory.set_limit(limits.memory_bytes)?;
        }
        self.memory.reset_peak()?;
        if self.processes != Some(limits.processes) && !weaken::is(Weakening::Processes) {
            // Init is one more.
            write(&self.pids.join("pids.max"), u64::from(limits.processes) + 1)?;
            self.processes = Some(limits.processes);
        }
        Ok(())
    }

    /// Changes the cell's share of the processors, where a controller for them is there.
    pub(in super::super) fn weigh(&mut self, weight: Weight) {
        self.weight = weight;
        let (file, least, parked, running) = match (&self.cpu, &self.unified) {
            (Some(cpu), _) => (cpu.join("cpu.shares"), 2, 16, 1024),
            (None, Unified::Present { cell, .. }) => (cell.join("cpu.weight"), 1, 2, 100),
            (None, Unified::Absent { .. }) => return,
        };
        // Only a matter of speed.
        let _ = match weight {
            Weight::Parked => write(&file, parked),
            Weight::Running if self.gives_way => write(&file, least),
            Weight::Running => write(&file, running),
        };
    }

    /// Memory that is charged to the cell now.
    pub(in super::super) fn memory(&self) -> io::Result<u64> {
        self.memory.used()
    }

    /// See [`Memory::peak`].
    pub(crate) fn memory_peak(&mut self) -> io::Result<u64> {
        self.memory.peak()
    }

    /// See [`Memory::kills`].
    pub(crate) fn memory_kills(&self) -> io::Result<u64> {
        self.memory.kills()
    }

    /// See [`Memory::events`].
    pub(crate) fn memory_events(&mut self) -> io::Result<OwnedFd> {
        self.memory.events()
    }

    pub(crate) fn cpu(&self) -> io::Result<CpuTime> {
        self.unified.cpu()
    }

    /// Kills every process of the steps; init lives on to reap them.
    pub(crate) fn kill_steps(&mut self, init: i32) -> io::Result<()> {
        self.is_spent = true;
        if let Unified::Present { steps, .. } = &self.unified
            && let done @ Ok(()) = write(&steps.join("cgroup.kill"), 1)
        {
            self.steps_are_spent = true;
            return done;
        }
        self.kill_each(Some(init))
    }

    /// Kills everything in the cell.
    pub(crate) fn kill_all(&mut self) -> io::Result<()> {
        self.is_spent = true;
        if let Unified::Present { cell, .. } = &self.unified
            && let done @ Ok(()) = write(&cell.join("cgroup.kill"), 1)
        {
            return done;
        }
        self.kill_each(None)
    }

    /// Without `cgroup.kill` (before Linux 5.14): first nobody can fork any more, so that the
    /// second round finds nobody whom the first has not seen.
    fn kill_each(&mut self, but: Option<i32>) -> io::Result<()> {
        write(&self.pids.join("pids.max"), 0)?;
        self.processes = None;
        self.steps_are_spent = true;
        for _ in 0..2 {
            for pid in fs::read_to_string(self.pids.join("cgroup.procs"))?.lines() {
                let pid = pid.parse().ok().filter(|pid| Some(*pid) != but);
                if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                    // It may have ended by itself.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
        }
        Ok(())
    }

    /// Removes the folders once their processes are dead; waits a little, as a process leaves
    /// its group just after its death was seen.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.folders
            .iter()
            .rev()
            .try_for_each(|folder| remove(folder))
    }
}

/// Lets a cell's init move its children into a v2 folder; gives the folder for it.
fn let_in(folder: &OwnedFd, init: u32) -> io::Result<OwnedFd> {
    let (uid, gid) = (Uid::from_raw(init), Gid::from_raw(init));
    let flags = AtFlags::empty();
    rustix::fs::chownat(folder.as_fd(), "cgroup.procs", Some(uid), Some(gid), flags)?;
    folder.try_clone()
}

/// Removes an empty control group.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    let mut pause = Duration::from_micros(200);
    loop {
        match fs::remove_dir(folder) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                if pause > Duration::from_secs(1) {
                    return Err(error);
                }
                std::thread::sleep(pause);
                pause *= 2;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => return other,
        }
    }
}

//! What limits and counts a container: its control groups, read and written directly.
//!
//! The daemon made them. Asking it for every figure and every limit would take tens of
//! milliseconds each, and it does not tell how often the kernel killed for want of memory.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::StepLimits;
use crate::native::cgroup::{CpuTime, Memory, Version, field, number, write};

/// The control groups of one container.
#[derive(Debug)]
pub(super) struct Accounts {
    memory: Memory,
    pids: PathBuf,
    cpu: Cpu,
    /// Bytes that the runtime itself needs beside the program.
    overhead_bytes: u64,
}

#[derive(Debug)]
enum Cpu {
    /// The folder in the v1 hierarchy that counts CPU time.
    One(PathBuf),
    /// The v2 folder.
    Two(PathBuf),
}

impl Accounts {
    /// Finds the groups that a container's init is in. `limit` is the memory limit that the
    /// container was created with.
    pub(super) fn find(root: &Path, init: i32, limit: u64, overhead: u64) -> io::Result<Self> {
        let own = fs::read_to_string(format!("/proc/{init}/cgroup"))?;
        Self::locate(root, &own, limit, overhead)
    }

    fn locate(root: &Path, own: &str, limit: u64, overhead_bytes: u64) -> io::Result<Self> {
        let one = |controller: &str| {
            let path = own.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (controllers, path) = rest.split_once(':')?;
                let has = controllers.split(',').any(|name| name == controller);
                has.then_some(path)
            });
            let folder = below(fs::canonicalize(root.join(controller)).ok()?, path?);
            folder.join("cgroup.procs").exists().then_some(folder)
        };
        if let (Some(memory), Some(pids), Some(cpu)) = (one("memory"), one("pids"), one("cpuacct"))
        {
            let memory = Memory::new(memory, Version::One).limited_to(limit);
            memory.limit_sockets()?;
            return Ok(Self {
                memory,
                pids,
                cpu: Cpu::One(cpu),
                overhead_bytes,
            });
        }
        let two = own.lines().find_map(|line| line.strip_prefix("0::"));
        let folder = two.map(|path| below(root.to_owned(), path));
        match folder {
            Some(folder) if folder.join("memory.max").exists() => Ok(Self {
                memory: Memory::new(folder.clone(), Version::Two).limited_to(limit),
                pids: folder.clone(),
                cpu: Cpu::Two(folder),
                overhead_bytes,
            }),
            _ => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "the container's control groups are not in {}",
                    root.display()
                ),
            )),
        }
    }

    /// Sets a step's limits and starts counting its peak. `own` processes of the runtime's are
    /// not the program's.
    pub(super) fn limit(&mut self, limits: &StepLimits, own: Option<u32>) -> io::Result<()> {
        let bytes = limits.memory_bytes.saturating_add(self.overhead_bytes);
        self.memory.set_limit(bytes)?;
        self.memory.reset_peak()?;
        match own {
            Some(own) => write(&self.pids.join("pids.max"), limits.processes + own),
            // Its processes are none of this kernel's.
            None => Ok(()),
        }
    }

    pub(super) fn cpu(&self) -> io::Result<CpuTime> {
        match &self.cpu {
            Cpu::One(folder) => {
                let nanos = |name: &str| number(&folder.join(name)).map(Duration::from_nanos);
                Ok(CpuTime {
                    user: nanos("cpuacct.usage_user")?,
                    system: nanos("cpuacct.usage_sys")?,
                })
            }
            Cpu::Two(folder) => {
                let stat = folder.join("cpu.stat");
                let micros = |name| field(&stat, name).map(Duration::from_micros);
                Ok(CpuTime {
                    user: micros("user_usec")?,
                    system: micros("system_usec")?,
                })
            }
        }
    }

    pub(super) fn memory_kills(&self) -> io::Result<u64> {
        self.memory.kills()
    }

    pub(super) fn memory_used(&self) -> io::Result<u64> {
        self.memory.used()
    }

    pub(super) fn memory_peak(&mut self) -> io::Result<u64> {
        self.memory.peak()
    }

    pub(super) fn memory_events(&mut self) -> io::Result<OwnedFd> {
        self.memory.events()
    }

    /// Kills every process but init. First nobody can fork any more, so that the second round
    /// finds nobody whom the first has not seen; the next step's limits allow it again.
    pub(super) fn kill_all_but(&self, init: i32) -> io::Result<()> {
        write(&self.pids.join("pids.max"), 0)?;
        for _ in 0..2 {
            for pid in fs::read_to_string(self.pids.join("cgroup.procs"))?.lines() {
                let pid = pid.parse().ok().filter(|pid| *pid != init);
                if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                    // It may have ended by itself.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
        }
        Ok(())
    }
}

fn below(folder: PathBuf, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(folders: &[&str], files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("cgroup.procs"), "").unwrap();
        }
        for (file, content) in files {
            fs::write(root.path().join(file), content).unwrap();
        }
        root
    }

    #[test]
    fn the_groups_of_both_versions_are_found() {
        let own = "9:memory:/docker/abc\n8:pids:/docker/abc\n5:cpu,cpuacct:/docker/abc\n0::/\n";
        let root = tree(
            &["memory/docker/abc", "pids/docker/abc", "cpuacct/docker/abc"],
            &[
                ("memory/docker/abc/memory.kmem.tcp.limit_in_bytes", ""),
                ("cpuacct/docker/abc/cpuacct.usage_user", "5000000\n"),
                ("cpuacct/docker/abc/cpuacct.usage_sys", "3\n"),
            ],
        );
        let one = Accounts::locate(root.path(), own, 1, 0).unwrap();
        assert_eq!(one.cpu().unwrap().user, Duration::from_millis(5));

        let root = tree(
            &["system.slice/docker-abc.scope"],
            &[
                ("system.slice/docker-abc.scope/memory.max", "max"),
                (
                    "system.slice/docker-abc.scope/cpu.stat",
                    "usage_usec 9\nuser_usec 7\nsystem_usec 2\n",
                ),
            ],
        );
        let own = "0::/system.slice/docker-abc.scope\n";
        let two = Accounts::locate(root.path(), own, 1, 0).unwrap();
        assert_eq!(two.cpu().unwrap().user, Duration::from_micros(7));
    }

    #[test]
    fn groups_that_cannot_be_seen_are_an_error() {
        let root = tree(&[], &[]);
        let error = Accounts::locate(root.path(), "0::/../elsewhere\n", 1, 0).unwrap_err();
        assert!(error.to_string().contains("control groups"), "{error}");
    }
}

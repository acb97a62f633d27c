//! Runtimes that are started for a step, also for the one after the next: such a one outlives the next.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::super::protocol::{Runtime, kind};
use super::super::sys;
use super::super::weaken::{self, Weakening};
use super::super::wire::{Doing, Failure, Writer};
use super::{Counters, Init, clear, herald, step};

/// How long everything else may take to be gone before the runtime goes with it: who forks faster
/// than it is killed ends with all.
const PATIENCE: Duration = Duration::from_millis(500);

/// Its processes.
#[derive(Clone, Copy)]
pub(super) struct Later {
    pub(super) main: i32,
    /// Who tells it to go.
    pub(super) herald: i32,
}

impl Later {
    /// Ends every process of the cell but these and this. `None` if they had to go as well.
    pub(super) fn clear_others(self, children: impl AsFd) -> Result<Option<Self>, Failure> {
        if weaken::is(Weakening::Orphans) {
            return Ok(Some(self));
        }
        let began = Instant::now();
        loop {
            let others = self
                .others()
                .doing("looking for what a step left running")?;
            if others.is_empty() {
                return Ok(Some(self));
            }
            others.iter().for_each(|&pid| sys::kill(pid, libc::SIGKILL));
            let mut lives = true;
            while let Some(dead) = sys::reap(false) {
                lives &= dead.pid != self.main;
            }
            if !lives || began.elapsed() > PATIENCE {
                clear();
                return Ok(None);
            }
            wait_for_a_death(&children).doing("waiting for the end of a step")?;
        }
    }

    /// All processes of the cell but these and this; the dead ones too until they are reaped.
    fn others(self) -> io::Result<Vec<i32>> {
        let mut others = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let pid = name.to_str().and_then(|name| name.parse().ok());
            others.extend(pid.filter(|pid| ![1, self.main, self.herald].contains(pid)));
        }
        Ok(others)
    }
}

impl Init<'_> {
    /// Makes the runtime that waited for a later step the next one's main process.
    pub(super) fn promote(&mut self) -> Result<(), Failure> {
        let what = "turning to a runtime that has ended";
        // Whose death may not have been noticed yet.
        self.reap()?;
        let Some(later) = self.later.take() else {
            let gone = io::Error::from_raw_os_error(libc::ESRCH);
            return self.answer(&Failure::new(what, &gone).write(kind::FAILED));
        };
        self.main = Some(later.main);
        self.step_began = Counters::now(&self.io);
        self.answer(&Writer::new(kind::READY).finish())
    }

    /// Starts a runtime as a step's main process, and beside it who tells it to go.
    pub(super) fn start(
        &mut self,
        runtime: &Runtime,
        streams: [OwnedFd; 3],
        worker: OwnedFd,
    ) -> Result<Later, Failure> {
        let (theirs, ours) = herald::connect().doing("connecting a runtime")?;
        let main = match self.fork()? {
            sys::Forked::Child => step::runtime(runtime, streams, theirs, self.cell.filter),
            sys::Forked::Parent { pid, .. } => pid,
        };
        drop((streams, theirs));
        match self.fork()? {
            sys::Forked::Child => herald::main(worker, ours, main, self.cell.filter),
            sys::Forked::Parent { pid: herald, .. } => Ok(Later { main, herald }),
        }
    }
}

/// Returns at the next death of a child, or soon: one may have been noticed before.
fn wait_for_a_death(children: impl AsFd) -> io::Result<()> {
    let mut fds = [PollFd::new(&children, PollFlags::IN)];
    let soon = Timespec {
        tv_sec: 0,
        tv_nsec: 1_000_000,
    };
    match rustix::event::poll(&mut fds, Some(&soon)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
        Ok(_) => {
            let read = rustix::io::read(&children, &mut [0; 128]);
            read.map(drop).or_else(|error| match error {
                rustix::io::Errno::AGAIN => Ok(()),
                error => Err(error.into()),
            })
        }
        Err(error) => Err(error.into()),
    }
}

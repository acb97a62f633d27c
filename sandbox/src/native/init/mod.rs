//! Process 1 of a cell: ours, so that the program never is.
//!
//! It makes the cell's own mounts, gives up the host's root for the cell's, keeps one step
//! primed, reaps, and after the main process has ended kills whatever else is there. It is of
//! another uid than the program, which can neither see nor trace it. It ends when the worker
//! closes the channel, when the spawner dies, or when the cell's control group is killed; the
//! kernel then kills everything in the cell.

mod herald;
mod later;
mod mounts;
mod put;
mod restrict;
mod step;

pub(super) use mounts::Covers;
pub(crate) use mounts::REVEALING;
pub(crate) use put::{UMASK, files as put_files};
pub(crate) use restrict::{WRITABLE, limit_all, lowered};
pub(super) use step::Told;
pub(crate) use step::{EXECUTING, window};

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Gid, Signal, Uid};
use rustix::thread::{CapabilitySet, UnshareFlags};

use self::later::Later;
use super::protocol::{Make, Over, Prime, kind};
use super::weaken::{self, Weakening};
use super::wire::{Doing, Failure, Reader, Writer, malformed};
use super::{channel, sys};

/// The program's uid and gid inside the cell.
pub(super) const PROGRAM: u32 = 1000;

/// The program's uid on the host is this much above the cell's root's.
pub(super) const PROGRAM_OFFSET: u32 = 1;

/// What the spawner hands to a new cell.
pub(super) struct Cell<'a> {
    pub(super) make: &'a Make,
    pub(super) worker: OwnedFd,
    /// The v2 control group for steps, if there is one.
    pub(super) steps: Option<OwnedFd>,
    /// The ways into the v1 control groups.
    pub(super) tasks: Vec<OwnedFd>,
    pub(super) filter: &'a [libc::sock_filter],
    pub(super) covers: &'a Covers,
    /// Whether this is a fork of a warm runtime, which can be told what to do.
    pub(super) is_warm: bool,
}

/// Runs a cell to its end. It returns in one process only: a step's that was told to go on as
/// the warm runtime of which the cell is a fork.
pub(super) fn main(cell: Cell<'_>) -> Told {
    // Such a process comes back through here and has closed all these descriptors by number.
    let mut cell = ManuallyDrop::new(cell);
    match live(&mut cell) {
        Ok(Some(told)) => return told,
        Ok(None) => {}
        Err(failure) => {
            // If the worker is gone too, nobody is left to be told.
            let _ = channel::send(&cell.worker, &failure.write(kind::FAILED), &[]);
        }
    }
    sys::exit(0)
}

fn live(cell: &mut Cell<'_>) -> Result<Option<Told>, Failure> {
    keep_only(cell)?;
    for tasks in std::mem::take(&mut cell.tasks) {
        rustix::io::write(tasks, b"0").doing("entering the cell's cgroups")?;
    }
    sys::reset_signals();
    let mounts::Proc { root, io } = mounts::make(cell.make, cell.covers)?;
    sys::unshare(UnshareFlags::NEWUSER).doing("making a user namespace")?;
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let folder = rustix::fs::open("/box", flags, Mode::empty());
    let folder = folder.doing("opening the working directory")?;
    let isolated = Writer::new(kind::ISOLATED).finish();
    channel::send(&cell.worker, &isolated, &[folder.as_fd()]).doing("telling the worker")?;
    drop(folder);
    // The worker maps the ids meanwhile.
    let Some(first) = channel::receive(&cell.worker).doing("waiting to be primed")? else {
        return Ok(None);
    };
    settle(&root)?;
    drop(root);
    let children = sys::signal_descriptor(libc::SIGCHLD).doing("watching for children")?;
    // As with the cell.
    let mut init = ManuallyDrop::new(Init {
        cell,
        children,
        io,
        newer_steps: None,
        main: None,
        later: None,
        step_began: Counters::default(),
    });
    match init.handle(first)? {
        Some(told) => Ok(Some(told)),
        None => init.serve(),
    }
}

/// Drops every descriptor that came along from the spawner.
fn keep_only(cell: &Cell<'_>) -> Result<(), Failure> {
    let what = "closing inherited descriptors";
    let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()).doing(what)?;
    rustix::stdio::dup2_stdin(&null).doing(what)?;
    rustix::stdio::dup2_stdout(&null).doing(what)?;
    rustix::stdio::dup2_stderr(&null).doing(what)?;
    let mut keep = vec![cell.worker.as_fd(), null.as_fd()];
    keep.extend(cell.steps.as_ref().map(AsFd::as_fd));
    keep.extend(cell.tasks.iter().map(AsFd::as_fd));
    sys::close_all_from(3, &keep).doing(what)
}

/// Becomes the cell's root, with the rights that it needs no more taken away for good.
fn settle(proc: &OwnedFd) -> Result<(), Failure> {
    let what = "becoming the cell's own root";
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    rustix::thread::set_thread_groups(&[]).doing(what)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).doing(what)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).doing(what)?;
    // After the change of uid, which resets it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).doing(what)?;
    // In the control groups by now: the cell sees them as its root.
    if !weaken::is(Weakening::CgroupNamespace) {
        sys::unshare(UnshareFlags::NEWCGROUP).doing("making a cgroup namespace")?;
    }
    let limit = rustix::fs::openat(
        proc,
        "sys/user/max_user_namespaces",
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    let forbidden = limit.and_then(|limit| rustix::io::write(limit, b"0"));
    forbidden.doing("forbidding user namespaces in the cell")?;
    let all = match weaken::is(Weakening::BoundingSet) {
        true => CapabilitySet::empty(),
        false => CapabilitySet::all(),
    };
    for capability in all.iter() {
        // Before the uid changes: afterwards it would fail, in silence.
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // Newer than this kernel.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => Err(error).doing("dropping the bounding set")?,
        }
    }
    Ok(())
}

/// What has been counted for all children so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) context_switches: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
}

impl Counters {
    pub(crate) fn now(io: &OwnedFd) -> Self {
        let mut buffer = [0; 512];
        let length = rustix::io::pread(io, &mut buffer, 0).unwrap_or(0);
        let io = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
        let field = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok())
                .unwrap_or(0)
        };
        Self {
            context_switches: sys::context_switches_of_children(),
            read_bytes: field("rchar:"),
            written_bytes: field("wchar:"),
        }
    }
}

struct Init<'a> {
    cell: &'a Cell<'a>,
    /// A control group for steps that replaces the first one.
    newer_steps: Option<OwnedFd>,
    children: OwnedFd,
    /// `/proc/self/io`: what the kernel counts for this process and all it has reaped.
    io: OwnedFd,
    /// The step's main process, from when it is primed until it is reaped.
    main: Option<i32>,
    /// The runtime for the step after the next.
    later: Option<Later>,
    step_began: Counters,
}

impl Init<'_> {
    fn serve(&mut self) -> Result<Option<Told>, Failure> {
        loop {
            let (worker, children) = (&self.cell.worker, &self.children);
            let mut fds = [
                PollFd::new(worker, PollFlags::IN),
                PollFd::new(children, PollFlags::IN),
            ];
            match rustix::event::poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other.doing("waiting")?,
            };
            let (asked, died) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
            if died {
                self.reap()?;
            }
            if asked {
                let message = channel::receive(&self.cell.worker).doing("hearing the worker")?;
                let Some(message) = message else {
                    return Ok(None);
                };
                if let Some(told) = self.handle(message)? {
                    return Ok(Some(told));
                }
            }
        }
    }

    /// Something comes back only in a step's process that was told to go on.
    fn handle(&mut self, message: channel::Received) -> Result<Option<Told>, Failure> {
        let what = "reading a request";
        let (kind, mut reader) = Reader::new(&message.bytes).doing(what)?;
        match kind {
            kind::PRIME => {
                let prime = Prime::read(&mut reader).doing(what)?;
                self.prime(&prime, message.fds)
            }
            kind::DISCARD => {
                if reader.u32().doing(what)? != 0 {
                    self.later = None;
                }
                self.main = None;
                self.clear()?;
                self.answer(&Writer::new(kind::READY).finish())?;
                Ok(None)
            }
            kind::PROMOTE => self.promote().map(|()| None),
            kind::SIGNAL => {
                let (signal, to_foreground) =
                    (reader.i32().doing(what)?, reader.u32().doing(what)? != 0);
                self.signal(signal, to_foreground);
                Ok(None)
            }
            _ => Err(malformed()).doing(what),
        }
    }

    /// Forks the process that becomes the next step's program, or starts a runtime for it.
    fn prime(&mut self, prime: &Prime, fds: Vec<OwnedFd>) -> Result<Option<Told>, Failure> {
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or_else(malformed).doing("reading a request");
        let worker = next()?;
        let streams = match &prime.runtime {
            Some(_) => Some([next()?, next()?, next()?]),
            None => None,
        };
        if let Some(steps) = fds.next() {
            self.newer_steps = Some(steps);
        }
        self.step_began = Counters::now(&self.io);
        if let (Some(runtime), Some(streams)) = (&prime.runtime, streams) {
            let started = self.start(runtime, streams, worker)?;
            match prime.is_later {
                true => self.later = Some(started),
                false => self.main = Some(started.main),
            }
            return Ok(None);
        }
        match self.fork()? {
            sys::Forked::Child => {
                let told = step::main(worker, self.cell.filter, self.cell.is_warm);
                Ok(Some(told))
            }
            sys::Forked::Parent { pid, .. } => {
                self.main = Some(pid);
                Ok(None)
            }
        }
    }

    fn fork(&self) -> Result<sys::Forked, Failure> {
        let steps = self.newer_steps.as_ref().or(self.cell.steps.as_ref());
        sys::clone(0, steps.map(AsFd::as_fd)).doing("forking the step's process")
    }

    fn signal(&self, signal: i32, to_foreground: bool) {
        let Some(main) = self.main else { return };
        match to_foreground.then(|| foreground_group(main)).flatten() {
            Some(group) => sys::kill(-group, signal),
            None => sys::kill(main, signal),
        }
    }

    fn reap(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 128];
        // Only to make it unreadable; several deaths may have become one notice.
        let _ = rustix::io::read(&self.children, &mut buffer);
        while let Some(dead) = sys::reap(false) {
            if self.main == Some(dead.pid) {
                return self.end_step(dead.status);
            }
            if let Some(later) = self.later.take_if(|later| later.main == dead.pid) {
                // The worker sees that nobody is there any more.
                sys::kill(later.herald, libc::SIGKILL);
            }
        }
        Ok(())
    }

    /// After the main process has ended nothing of the step stays.
    fn end_step(&mut self, status: i32) -> Result<(), Failure> {
        self.main = None;
        self.clear()?;
        let (before, after) = (self.step_began, Counters::now(&self.io));
        let over = Over {
            status,
            context_switches: after.context_switches - before.context_switches,
            read_bytes: after.read_bytes - before.read_bytes,
            written_bytes: after.written_bytes - before.written_bytes,
        };
        self.answer(&over.write())
    }

    /// Ends every process of the cell but this and what waits for a later step.
    fn clear(&mut self) -> Result<(), Failure> {
        match self.later {
            Some(later) => self.later = later.clear_others(&self.children)?,
            None => clear(),
        }
        Ok(())
    }

    fn answer(&self, bytes: &[u8]) -> Result<(), Failure> {
        channel::send(&self.cell.worker, bytes, &[]).doing("answering the worker")
    }
}

/// Ends every process of the cell but this.
fn clear() {
    if !weaken::is(Weakening::Orphans) {
        sys::kill_all_others();
    }
    while sys::reap(true).is_some() {}
}

/// The foreground group of the terminal that a process has, if any.
pub(crate) fn foreground_group(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last bracket may contain anything.
    let group = stat
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(5)?
        .parse()
        .ok()?;
    (group > 0).then_some(group)
}

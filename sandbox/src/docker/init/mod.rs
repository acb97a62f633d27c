//! Process 1 of a container: ours, so that the program never is.
//!
//! It runs one step after the other, passes on what they read and write, reaps, and after a
//! step's main process has ended kills whatever else is there. One thread, one loop: a program
//! that writes faster than the worker reads waits, and init still hears the worker.
//!
//! It has the program's user, as a container without capabilities cannot have two. So it hides
//! its memory and its descriptors (`PR_SET_DUMPABLE`), the kernel ignores signals to a process 1,
//! and the program's filter refuses to change the limits of others.

mod flow;
mod step;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitCode;
use std::time::Instant;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::DumpableBehavior;

use self::flow::Outgoing;
use self::step::Running;
use super::frames::{Frames, LONGEST_FROM_WORKER};
use super::protocol::{Report, Request};
use crate::OutputStream;
use crate::native::init::{Counters, foreground_group, window};
use crate::native::protocol::{Go, Over};
use crate::native::wire::{Doing, Failure};
use crate::native::{seccomp, sys};

/// Most that is read at once.
const CHUNK: usize = 64 << 10;

/// Serves as the init of a container of a [`DockerEngine`](super::DockerEngine).
///
/// The `runlog` program calls this for its hidden command `container-init`, before it has made
/// any thread. Standard input and output must be the container's.
pub fn container_init_main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    let mut outgoing = Outgoing::default();
    match live(&mut outgoing) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Over the pipe while it takes anything; if the worker is gone too, nobody is left.
            outgoing.push(&Report::Failed(failure));
            let _ = outgoing.flush(rustix::stdio::stdout());
            ExitCode::FAILURE
        }
    }
}

fn live(outgoing: &mut Outgoing) -> Result<(), Failure> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    // While it can still be opened.
    let io = rustix::fs::open("/proc/self/io", flags, Mode::empty());
    let io = io.doing("opening the init's counters")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .doing("hiding the init")?;
    let what = "taking the container's streams";
    rustix::io::ioctl_fionbio(rustix::stdio::stdin(), true).doing(what)?;
    rustix::io::ioctl_fionbio(rustix::stdio::stdout(), true).doing(what)?;
    let children = sys::signal_descriptor(libc::SIGCHLD).doing("watching for children")?;
    let mut init = Init {
        io,
        children,
        incoming: Frames::new(LONGEST_FROM_WORKER),
        outgoing,
        filter: seccomp::compile(&super::profile::for_programs()),
        step: None,
        buffer: vec![0; CHUNK],
    };
    init.outgoing.push(&Report::Ready);
    init.serve()
}

struct Init<'a> {
    /// `/proc/self/io`: what the kernel counts for this process and all it has reaped.
    io: OwnedFd,
    children: OwnedFd,
    incoming: Frames,
    outgoing: &'a mut Outgoing,
    filter: Vec<libc::sock_filter>,
    step: Option<Running>,
    buffer: Vec<u8>,
}

/// What a descriptor that became ready belongs to.
#[derive(Clone, Copy)]
enum Ready {
    Worker,
    Children,
    Outgoing,
    Executed,
    Sink,
    Source(usize),
}

impl Init<'_> {
    fn serve(&mut self) -> Result<(), Failure> {
        loop {
            for ready in self.wait().doing("waiting")? {
                match ready {
                    Ready::Worker => {
                        if !self.hear()? {
                            return Ok(());
                        }
                    }
                    Ready::Children => self.reap()?,
                    Ready::Outgoing => {
                        let flushed = self.outgoing.flush(rustix::stdio::stdout());
                        flushed.doing("answering the worker")?;
                    }
                    Ready::Executed => self.executed()?,
                    Ready::Sink => self.pass_on_input(),
                    Ready::Source(index) => self.pass_on_output(index),
                }
            }
        }
    }

    /// Waits until something can be done, and says what, in the order in which it is to be done.
    fn wait(&self) -> io::Result<Vec<Ready>> {
        let mut watched: Vec<(Ready, BorrowedFd<'_>, PollFlags)> = Vec::new();
        if let Some(step) = &self.step {
            if let Some(executed) = &step.executed {
                watched.push((Ready::Executed, executed.as_fd(), PollFlags::IN));
            } else if !self.outgoing.is_full() {
                for (index, source) in step.sources.iter().enumerate() {
                    if let Some((fd, _)) = source {
                        watched.push((Ready::Source(index), fd.as_fd(), PollFlags::IN));
                    }
                }
            }
            if let Some(sink) = step.typing.waits_for() {
                watched.push((Ready::Sink, sink, PollFlags::OUT));
            }
        }
        watched.push((Ready::Worker, rustix::stdio::stdin(), PollFlags::IN));
        watched.push((Ready::Children, self.children.as_fd(), PollFlags::IN));
        if !self.outgoing.is_empty() {
            watched.push((Ready::Outgoing, rustix::stdio::stdout(), PollFlags::OUT));
        }
        let mut fds: Vec<_> = watched
            .iter()
            .map(|(_, fd, flags)| PollFd::new(fd, *flags))
            .collect();
        match rustix::event::poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            other => other?,
        };
        let ready = fds.iter().zip(&watched);
        let ready = ready.filter(|(fd, _)| !fd.revents().is_empty());
        Ok(ready.map(|(_, (ready, ..))| *ready).collect())
    }

    /// Reads and does what the worker wants; `false` when the worker is gone.
    fn hear(&mut self) -> Result<bool, Failure> {
        let what = "hearing the worker";
        match rustix::io::read(rustix::stdio::stdin(), &mut self.buffer[..]) {
            Ok(0) => return Ok(false),
            Ok(length) => {
                self.outgoing.count_read(length);
                self.incoming.push(&self.buffer[..length]);
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(true),
            Err(error) => return Err(error).doing(what),
        }
        while let Some(message) = self.incoming.next().doing(what)? {
            let request = Request::read(message).doing(what)?;
            self.handle(request)?;
        }
        self.incoming.shrink();
        Ok(true)
    }

    fn handle(&mut self, request: Request) -> Result<(), Failure> {
        match (request, &mut self.step) {
            (Request::Go { go, processes }, None) => self.go(go, processes),
            (Request::Input(bytes), Some(step)) => step.typing.push(bytes),
            (Request::Input(bytes), None) => self.outgoing.push(&Report::Taken(bytes.len() as u32)),
            (Request::Eof, Some(step)) => step.typing.end(),
            (Request::Resize(size), Some(step)) => {
                if let Some(master) = step.typing.terminal() {
                    // A terminal that nobody has open any more has no size to change.
                    let _ = rustix::termios::tcsetwinsize(master, window(size));
                }
            }
            (
                Request::Signal {
                    signal,
                    to_foreground,
                },
                Some(step),
            ) => {
                let group = to_foreground.then(|| foreground_group(step.main)).flatten();
                sys::kill(group.map_or(step.main, |group| -group), signal);
            }
            (Request::Kill, Some(_)) => sys::kill_all_others(),
            // The step was over before it arrived.
            (Request::Go { .. }, Some(_)) | (_, None) => {}
        }
        self.pass_on_input();
        Ok(())
    }

    fn go(&mut self, go: Go, processes: Option<u32>) {
        let began = Counters::now(&self.io);
        self.outgoing.reset_counts();
        match Running::start(go, processes, &self.filter, began) {
            Ok(step) => self.step = Some(step),
            Err(failure) => self.outgoing.push(&Report::Failed(failure)),
        }
    }

    /// Exec has closed the other end, or there is the reason why there was none.
    fn executed(&mut self) -> Result<(), Failure> {
        let Some(step) = &mut self.step else {
            return Ok(());
        };
        let Some(executed) = step.executed.take() else {
            return Ok(());
        };
        match step::outcome(&executed) {
            None => self.outgoing.push(&Report::Started),
            Some(failure) => {
                self.step = None;
                sys::kill_all_others();
                while sys::reap(true).is_some() {}
                self.outgoing.push(&Report::Failed(failure));
            }
        }
        Ok(())
    }

    fn pass_on_input(&mut self) {
        if let Some(step) = &mut self.step {
            let taken = step.typing.write();
            self.outgoing.count_written(taken);
            if taken > 0 {
                self.outgoing.push(&Report::Taken(taken as u32));
            }
        }
    }

    /// Passes on a piece of what the program wrote; without any the source may be at its end.
    fn pass_on_output(&mut self, index: usize) {
        if let Some(step) = &mut self.step
            && let Some((fd, stream)) = &step.sources[index]
        {
            let stream = *stream;
            match rustix::io::read(fd, &mut self.buffer[..]) {
                Ok(length @ 1..) => {
                    let since_start = step.started.elapsed();
                    send_output(self.outgoing, stream, since_start, &self.buffer[..length]);
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Ok(0) | Err(_) => step.sources[index] = None,
            }
        }
    }

    fn reap(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 128];
        // Only to make it unreadable; several deaths may have become one notice.
        let _ = rustix::io::read(&self.children, &mut buffer);
        while let Some(dead) = sys::reap(false) {
            if self.step.as_ref().is_some_and(|step| step.main == dead.pid) {
                return self.end_step(dead.status);
            }
        }
        Ok(())
    }

    /// After the main process has ended nothing of the step stays.
    fn end_step(&mut self, status: i32) -> Result<(), Failure> {
        sys::kill_all_others();
        while sys::reap(true).is_some() {}
        // It may have died before exec was noticed.
        self.executed()?;
        let Some(mut step) = self.step.take() else {
            return Ok(());
        };
        let wall = step.started.elapsed();
        for (fd, stream) in step.sources.iter().flatten() {
            // What is in the pipe now is all there is, whoever may still hold its other end.
            while let Ok(length @ 1..) = rustix::io::read(fd, &mut self.buffer[..]) {
                send_output(
                    self.outgoing,
                    *stream,
                    step.started.elapsed(),
                    &self.buffer[..length],
                );
            }
        }
        let lost = step.typing.give_up();
        if lost > 0 {
            self.outgoing.push(&Report::Taken(lost as u32));
        }
        let over = self.add_up(&step, status);
        self.outgoing.push(&Report::Over { over, wall });
        Ok(())
    }

    fn add_up(&self, step: &Running, status: i32) -> Over {
        let (before, after) = (step.began, Counters::now(&self.io));
        let (own_read, own_written) = self.outgoing.counts();
        Over {
            status,
            context_switches: after.context_switches - before.context_switches,
            read_bytes: (after.read_bytes - before.read_bytes).saturating_sub(own_read),
            written_bytes: (after.written_bytes - before.written_bytes).saturating_sub(own_written),
        }
    }
}

fn send_output(
    outgoing: &mut Outgoing,
    stream: OutputStream,
    since_start: std::time::Duration,
    bytes: &[u8],
) {
    outgoing.count_read(bytes.len());
    outgoing.push(&Report::Output {
        stream,
        since_start,
        bytes: Bytes::copy_from_slice(bytes),
    });
}

/// When a step began; of the same clock as all its times.
type Started = Instant;

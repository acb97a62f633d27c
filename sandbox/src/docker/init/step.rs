//! A step in a container: its processes' beginnings, and what init has of it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::{DumpableBehavior, Resource};
use rustix::pty::OpenptFlags;

use super::flow::Typing;
use crate::native::init::{
    Counters, EXECUTING, UMASK, WRITABLE, limit_all, lowered, put_files, window,
};
use crate::native::protocol::Go;
use crate::native::wire::{Doing, Failure, Reader, malformed};
use crate::native::{landlock, sys};
use crate::{OutputStream, WindowSize};

/// When memory is short, programs go before init, and both before anything of the machine's.
const OOM_SCORE: &str = "1000";

/// Exit code of a process that did not become a program; nobody reads it.
const NOT_STARTED: i32 = 127;

/// What a message about a failure begins with.
const FAILED: u8 = 0;

/// A step that runs.
pub(super) struct Running {
    pub(super) main: i32,
    pub(super) started: super::Started,
    pub(super) began: Counters,
    /// Closed by exec, or tells why there was none.
    pub(super) executed: Option<OwnedFd>,
    pub(super) sources: Vec<Option<(OwnedFd, OutputStream)>>,
    pub(super) typing: Typing,
    /// Keeps a terminal from hanging up while nobody has it open: that may change.
    _terminal: Option<OwnedFd>,
}

/// Both ends of a step's streams.
struct Streams {
    /// Standard input, output and error of the program.
    theirs: [OwnedFd; 3],
    sources: Vec<Option<(OwnedFd, OutputStream)>>,
    typing: Typing,
    terminal: Option<OwnedFd>,
}

impl Running {
    /// Forks the process that becomes the program.
    pub(super) fn start(
        go: Go,
        processes: Option<u32>,
        filter: &[libc::sock_filter],
        began: Counters,
    ) -> Result<Self, Failure> {
        let streams = match go.terminal {
            Some(terminal) => on_terminal(terminal.size).doing("opening a terminal")?,
            None => through_pipes().doing("making a step's pipes")?,
        };
        let (executed, report) =
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC).doing("making a step's pipes")?;
        let started = Instant::now();
        match sys::fork().doing("forking the step's process")? {
            None => {
                let child = Child {
                    go,
                    processes,
                    filter,
                    streams: streams.theirs,
                    on_terminal: streams.terminal.is_some(),
                };
                become_program(child, &report)
            }
            Some(main) => Ok(Self {
                main,
                started,
                began,
                executed: Some(executed),
                sources: streams.sources,
                typing: streams.typing,
                _terminal: streams.terminal,
            }),
        }
    }
}

/// Why a step's process did not become a program; `None` if it did.
pub(super) fn outcome(executed: &OwnedFd) -> Option<Failure> {
    let (mut message, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = rustix::io::read(executed, &mut buffer) {
        message.extend_from_slice(&buffer[..length]);
    }
    if message.is_empty() {
        return None;
    }
    let read = Reader::new(&message).and_then(|(_, mut reader)| Failure::read(&mut reader));
    Some(read.unwrap_or_else(|error| Failure::new("starting a step", &error)))
}

fn through_pipes() -> io::Result<Streams> {
    let pipe = || {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        // A program may open `/dev/stdin` and the like, which asks for the pipe's mode; gVisor
        // knows no other than the one it has.
        let _ = rustix::fs::fchmod(&reader, Mode::from_raw_mode(0o666));
        io::Result::Ok((reader, writer))
    };
    let ((stdin, in_writer), (out_reader, stdout), (err_reader, stderr)) =
        (pipe()?, pipe()?, pipe()?);
    for ours in [&in_writer, &out_reader, &err_reader] {
        rustix::io::ioctl_fionbio(ours, true)?;
    }
    Ok(Streams {
        theirs: [stdin, stdout, stderr],
        sources: vec![
            Some((out_reader, OutputStream::Stdout)),
            Some((err_reader, OutputStream::Stderr)),
        ],
        typing: Typing::through_pipe(in_writer),
        terminal: None,
    })
}

fn on_terminal(size: WindowSize) -> io::Result<Streams> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags)?;
    rustix::pty::unlockpt(&master)?;
    let path = rustix::pty::ptsname(&master, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = rustix::fs::open(path, flags, Mode::empty())?;
    rustix::termios::tcsetwinsize(&terminal, window(size))?;
    rustix::io::ioctl_fionbio(&master, true)?;
    let copy = |fd: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 3);
    Ok(Streams {
        theirs: [copy(&terminal)?, copy(&terminal)?, copy(&terminal)?],
        sources: vec![Some((copy(&master)?, OutputStream::Stdout))],
        typing: Typing::on_terminal(master),
        terminal: Some(terminal),
    })
}

/// What the forked process needs.
struct Child<'a> {
    go: Go,
    processes: Option<u32>,
    filter: &'a [libc::sock_filter],
    streams: [OwnedFd; 3],
    on_terminal: bool,
}

fn become_program(child: Child<'_>, report: &OwnedFd) -> ! {
    if let Err(failure) = prepare(child, report) {
        // A short message to a pipe that is empty is written as a whole.
        let _ = rustix::io::write(report, &failure.write(FAILED));
    }
    sys::exit(NOT_STARTED)
}

/// Takes away everything that the program must not have, and becomes it. The order matters: from
/// the filter on only what the program may do works here too.
fn prepare(child: Child<'_>, report: &OwnedFd) -> Result<(), Failure> {
    let what = "preparing a step";
    sys::reset_signals();
    let mut keep = vec![report.as_fd()];
    keep.extend(child.streams.iter().map(AsFd::as_fd));
    sys::close_all_from(3, &keep).doing("closing descriptors")?;
    // Init's copy was hidden; nobody else is there who could look.
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).doing(what)?;
    rustix::process::chdir("/box").doing("entering the working directory")?;
    rustix::process::setsid().doing("starting a session")?;
    if child.on_terminal {
        rustix::process::ioctl_tiocsctty(&child.streams[0]).doing("taking the terminal")?;
    }
    rustix::process::umask(UMASK);
    std::fs::write("/proc/self/oom_score_adj", OOM_SCORE)
        .doing("offering the program to the OOM killer")?;
    // The worker has put init before everybody else.
    rustix::process::setpriority_process(None, 0).doing(what)?;
    limit_all()?;
    if let Some(processes) = child.processes {
        let most = lowered(Resource::Nproc, processes.into());
        rustix::process::setrlimit(Resource::Nproc, most).doing("limiting processes")?;
    }
    rustix::thread::set_no_new_privs(true).doing("forbidding new privileges")?;
    landlock::restrict(&WRITABLE).doing("restricting what can be written")?;
    sys::install_filter(child.filter).doing("installing the system call filter")?;
    put_files(&child.go.files)?;
    let most = lowered(Resource::Fsize, child.go.file_bytes);
    rustix::process::setrlimit(Resource::Fsize, most).doing("limiting the size of files")?;
    rustix::stdio::dup2_stdin(&child.streams[0]).doing(what)?;
    rustix::stdio::dup2_stdout(&child.streams[1]).doing(what)?;
    rustix::stdio::dup2_stderr(&child.streams[2]).doing(what)?;
    sys::close_on_exec_from(3).doing(what)?;
    let program = child.go.argv.first().ok_or_else(malformed).doing(what)?;
    Err(sys::execute(program, &child.go.argv, &child.go.env)).doing(EXECUTING)
}

//! A step's main process: primed with every restriction in place, it waits for the word to go
//! and then becomes the program.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::DumpableBehavior;
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use super::super::protocol::{Go, Runtime, kind};
use super::super::weaken::{self, Weakening};
use super::super::wire::{Doing, Failure, Reader, Writer, malformed};
use super::super::{channel, sys};
use super::herald::RuntimeEnds;
use super::put;
use super::restrict::{limit_files, restrict};
use crate::WindowSize;

/// Exit code of a process that did not become a program; nobody reads it.
const NOT_STARTED: i32 = 127;

/// What a warm runtime is told to do.
pub(in super::super) struct Told {
    pub(in super::super) words: Vec<CString>,
    pub(in super::super) env: Vec<CString>,
    /// The command that does the same without a warm runtime.
    pub(in super::super) argv: Vec<CString>,
}

/// Waits and becomes the program; returns if it is to go on as the warm runtime that it is a
/// fork of, with the program's standard streams and no other descriptor.
pub(super) fn main(worker: OwnedFd, filter: &[libc::sock_filter], is_warm: bool) -> Told {
    match live(&worker, filter, is_warm) {
        // Its channel closes as it does where a program is executed.
        Ok(Some(told)) => return told,
        Ok(None) => {}
        Err(failure) => {
            // If the worker is gone too, nobody is left to be told.
            let _ = channel::send(&worker, &failure.write(kind::FAILED), &[]);
        }
    }
    sys::exit(NOT_STARTED)
}

fn live(
    worker: &OwnedFd,
    filter: &[libc::sock_filter],
    is_warm: bool,
) -> Result<Option<Told>, Failure> {
    restrict(&[worker.as_fd()], filter)?;
    let ready = Writer::new(kind::READY).finish();
    channel::send(worker, &ready, &[]).doing("telling the worker")?;
    let Some(go) = channel::receive(worker).doing("waiting to go")? else {
        return Ok(None);
    };
    let what = "reading what to run";
    let (_, mut reader) = Reader::new(&go.bytes).doing(what)?;
    let Go {
        files,
        argv,
        words,
        env,
        file_bytes,
        terminal,
    } = Go::read(&mut reader).doing(what)?;
    put::files(&files)?;
    if !weaken::is(Weakening::FileSize) {
        limit_files(None, file_bytes).doing("limiting the size of files")?;
    }
    let streams = match terminal {
        Some(terminal) => open_terminal(worker, terminal.size).doing("opening a terminal")?,
        None => go.fds.try_into().map_err(|_| malformed()).doing(what)?,
    };
    take_streams(&streams).doing(what)?;
    if let (true, Some(words)) = (is_warm, words) {
        // As an exec would have it: else what it has in `/proc` is not its own.
        rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).doing(what)?;
        return Ok(Some(Told { words, env, argv }));
    }
    execute(&argv, &env)
}

fn take_streams(streams: &[OwnedFd; 3]) -> io::Result<()> {
    rustix::stdio::dup2_stdin(&streams[0])?;
    rustix::stdio::dup2_stdout(&streams[1])?;
    rustix::stdio::dup2_stderr(&streams[2])?;
    Ok(())
}

/// What a [`Failure`] says when only the program itself could not be executed.
pub(crate) const EXECUTING: &str = "executing the program";

/// Comes back only with the reason why that failed.
fn execute<T>(argv: &[CString], env: &[CString]) -> Result<T, Failure> {
    sys::close_on_exec_from(3).doing("reading what to run")?;
    if weaken::is(Weakening::Descriptor) {
        let copy = rustix::io::dup(rustix::stdio::stdin());
        std::mem::forget(copy.doing("leaking a descriptor")?);
    }
    let program = argv.first().ok_or_else(malformed).doing(EXECUTING)?;
    Err(sys::execute(program, argv, env)).doing(EXECUTING)
}

/// Becomes a runtime that waits to be told what to do.
pub(super) fn runtime(
    runtime: &Runtime,
    streams: [OwnedFd; 3],
    ends: RuntimeEnds,
    filter: &[libc::sock_filter],
) -> ! {
    let become_it = move || -> Result<(), Failure> {
        let what = "connecting a runtime";
        take_streams(&streams).doing(what)?;
        // Closed by number.
        std::mem::forget(streams);
        restrict(&[ends.go.as_fd(), ends.ready.as_fd()], filter)?;
        // Only now, as nothing is left that they could be in the way of.
        sys::place(vec![ends.go, ends.ready], 3).doing(what)?;
        let program = runtime.argv.first().ok_or_else(malformed).doing(what)?;
        Err(sys::execute(program, &runtime.argv, &runtime.env)).doing(what)
    };
    // The herald sees that it ended and tells.
    let _ = become_it();
    sys::exit(NOT_STARTED)
}

/// Opens the cell's own pseudo terminal, makes it the controlling one and sends the worker the
/// other side of it.
fn open_terminal(worker: &OwnedFd, size: WindowSize) -> io::Result<[OwnedFd; 3]> {
    let master =
        rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::unlockpt(&master)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = rustix::pty::ioctl_tiocgptpeer(&master, flags)?;
    rustix::process::ioctl_tiocsctty(&terminal)?;
    rustix::termios::tcsetwinsize(&terminal, window(size))?;
    let message = Writer::new(kind::TERMINAL).finish();
    channel::send(worker, &message, &[master.as_fd()])?;
    let copy = || rustix::io::fcntl_dupfd_cloexec(&terminal, 3);
    let copies = [copy()?, copy()?, copy()?];
    Ok(copies)
}

/// A size as the kernel takes it.
pub(crate) fn window(size: WindowSize) -> Winsize {
    Winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

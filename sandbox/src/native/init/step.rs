//! A step's main process: primed with every restriction in place, it waits for the word to go
//! and then becomes the program.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Gid, Resource, Rlimit, Uid};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use super::super::landlock::{self, Allowed};
use super::super::protocol::{Go, kind};
use super::super::wire::{Doing, Failure, Reader, Writer, malformed};
use super::super::{channel, sys};
use super::{PROGRAM, put};
use crate::WindowSize;

/// Soft and hard: deep recursion has room, an endless one ends.
const STACK_BYTES: u64 = 64 << 20;
const OPEN_FILES: u64 = 1024;
const LOCKED_BYTES: u64 = 64 << 10;

/// What the program may write to.
const WRITABLE: Allowed<'_> = Allowed {
    own: &["/box", "/tmp", "/dev/shm"],
    change: &["/dev"],
};

/// Exit code of a process that did not become a program; nobody reads it.
const NOT_STARTED: i32 = 127;

/// Waits and becomes the program.
pub(super) fn main(worker: &OwnedFd, filter: &[libc::sock_filter]) -> ! {
    if let Err(failure) = live(worker, filter) {
        // If the worker is gone too, nobody is left to be told.
        let _ = channel::send(worker, &failure.write(kind::FAILED), &[]);
    }
    sys::exit(NOT_STARTED)
}

fn live(worker: &OwnedFd, filter: &[libc::sock_filter]) -> Result<(), Failure> {
    restrict(worker, filter)?;
    let ready = Writer::new(kind::READY).finish();
    channel::send(worker, &ready, &[]).doing("telling the worker")?;
    let Some(go) = channel::receive(worker).doing("waiting to go")? else {
        return Ok(());
    };
    let what = "reading what to run";
    let (_, mut reader) = Reader::new(&go.bytes).doing(what)?;
    let Go {
        files,
        argv,
        env,
        file_bytes,
        terminal,
    } = Go::read(&mut reader).doing(what)?;
    put::files(&files)?;
    limit(Resource::Fsize, file_bytes).doing("limiting the size of files")?;
    let streams = match terminal {
        Some(terminal) => open_terminal(worker, terminal.size).doing("opening a terminal")?,
        None => go.fds.try_into().map_err(|_| malformed()).doing(what)?,
    };
    rustix::stdio::dup2_stdin(&streams[0]).doing(what)?;
    rustix::stdio::dup2_stdout(&streams[1]).doing(what)?;
    rustix::stdio::dup2_stderr(&streams[2]).doing(what)?;
    sys::close_on_exec_from(3).doing(what)?;
    let program = argv.first().ok_or_else(malformed).doing(what)?;
    Err(sys::execute(program, &argv, &env)).doing(EXECUTING)
}

/// What a [`Failure`] says when only the program itself could not be executed.
pub(in super::super) const EXECUTING: &str = "executing the program";

/// Takes away everything that the program must not have. The order matters: the bounding set is
/// empty already, limits and groups need rights that the uid then gives up, and from the filter
/// on only what the program may do works here too.
fn restrict(worker: &OwnedFd, filter: &[libc::sock_filter]) -> Result<(), Failure> {
    sys::reset_signals();
    sys::close_all_from(3, &[worker.as_fd()]).doing("closing descriptors")?;
    rustix::process::chdir("/box").doing("entering the working directory")?;
    rustix::process::setsid().doing("starting a session")?;
    rustix::process::umask(put::UMASK);
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Memlock, LOCKED_BYTES),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Stack, STACK_BYTES),
    ] {
        limit(resource, most).doing("setting resource limits")?;
    }
    let what = "becoming the program's user";
    let (uid, gid) = (Uid::from_raw(PROGRAM), Gid::from_raw(PROGRAM));
    rustix::thread::set_thread_res_gid(gid, gid, gid).doing(what)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).doing(what)?;
    rustix::thread::set_no_new_privs(true).doing("forbidding new privileges")?;
    landlock::restrict(&WRITABLE).doing("restricting what can be written")?;
    sys::install_filter(filter).doing("installing the system call filter")
}

/// Sets both limits, as far as the hard one may be raised.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum;
    let most = Some(hard.map_or(most, |hard| hard.min(most)));
    Ok(rustix::process::setrlimit(
        resource,
        Rlimit {
            current: most,
            maximum: most,
        },
    )?)
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
    let size = Winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&terminal, size)?;
    let message = Writer::new(kind::TERMINAL).finish();
    channel::send(worker, &message, &[master.as_fd()])?;
    let copy = || rustix::io::fcntl_dupfd_cloexec(&terminal, 3);
    let copies = [copy()?, copy()?, copy()?];
    Ok(copies)
}

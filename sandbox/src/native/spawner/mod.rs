//! The spawner: a small, single-threaded process that makes cells.
//!
//! It enters a minimal root of its own first, so that a cell is a fork into fresh namespaces
//! that holds nothing of the host to begin with. Forking from the worker itself would be slow
//! (its memory is big) and unsafe (its threads hold locks).
//!
//! For a warm runtime whose cells are forks of it, the spawner becomes that runtime, which loads
//! this crate's library and so serves as the spawner again, from within.
//!
//! It ends when the worker does: the end of its channel says so, and its cells die with it.

mod etc;
mod root;
mod runtime;
mod veil;

pub(super) use runtime::{serve as serve_in_runtime, set_aside, told as told_in_runtime};

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use super::init::Told;
use super::protocol::{Make, Setup, kind};
use super::weaken::{self, Weakening};
use super::wire::{Doing, Failure, Reader, Writer, malformed};
use super::{channel, init, seccomp, sys};

/// Serves as the spawner of a [`NativeEngine`](super::NativeEngine).
///
/// The `runlog` program calls this for its hidden command `cell-spawner`, before it has made any
/// thread. Standard input must be the socket that the engine made.
pub fn spawner_main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn begin() -> io::Result<()> {
    // Above the number under which a warm runtime is handed things.
    let worker = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 4)?;
    // A terminal's Ctrl+C is for the worker alone: it drains its runs first.
    let _ = rustix::process::setsid();
    // The worker's own is short, as it has little to do and others wait for that.
    let _ = sys::set_slice(0);
    let Some(first) = channel::receive(&worker)? else {
        return Ok(());
    };
    let (_, mut reader) = Reader::new(&first.bytes)?;
    let covers = init::Covers::find();
    let entered = Setup::read(&mut reader)
        .doing("reading the setup")
        .and_then(|setup| {
            #[cfg(feature = "weaken")]
            super::weaken::set(setup.weaken);
            root::enter(&setup)?;
            match &setup.host {
                Some(host) => runtime::become_it(host, &covers),
                None => Ok(()),
            }
        });
    if let Err(failure) = entered {
        return channel::send(&worker, &failure.write(kind::FAILED), &[]);
    }
    serve(worker, &covers, false).map(drop)
}

/// Makes cells until the worker is gone. Something comes back only in a process of a cell, which
/// was told to go on as the runtime that this is.
fn serve(worker: OwnedFd, covers: &init::Covers, is_warm: bool) -> io::Result<Option<Told>> {
    // Such a process has closed all descriptors by number.
    let worker = ManuallyDrop::new(worker);
    // A panic in a cell's init must never unwind into the spawner's own frames.
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    sys::ignore(libc::SIGCHLD);
    channel::send(&*worker, &Writer::new(kind::READY).finish(), &[])?;
    let filter = seccomp::program();
    while let Some(message) = channel::receive(&*worker)? {
        let (kind, mut reader) = Reader::new(&message.bytes)?;
        if kind != kind::MAKE {
            return Err(malformed());
        }
        let make = Make::read(&mut reader)?;
        match spawn(&make, message.fds, (&filter, covers, is_warm)) {
            Ok(Spawned::Cell { pid, pidfd }) => {
                let made = Writer::new(kind::MADE).i32(pid).finish();
                channel::send(&*worker, &made, &[pidfd.as_fd()])?;
            }
            Ok(Spawned::Told(told)) => return Ok(Some(told)),
            Err(failure) => channel::send(&*worker, &failure.write(kind::FAILED), &[])?,
        }
    }
    Ok(None)
}

enum Spawned {
    /// In the spawner.
    Cell { pid: i32, pidfd: OwnedFd },
    /// In a process of the cell.
    Told(Told),
}

/// Everything but the user namespace, which init enters once it has made its mounts.
const NAMESPACES: i32 = libc::CLONE_NEWPID
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWNET;

fn namespaces() -> i32 {
    let but = |weakening, flag| if weaken::is(weakening) { flag } else { 0 };
    NAMESPACES
        & !but(Weakening::Network, libc::CLONE_NEWNET)
        & !but(Weakening::Ipc, libc::CLONE_NEWIPC)
        & !but(Weakening::Uts, libc::CLONE_NEWUTS)
}

/// Names a namespace that cannot even be made alone.
fn the_impossible_one() -> String {
    let each = [
        ("pid", libc::CLONE_NEWPID),
        ("mount", libc::CLONE_NEWNS),
        ("ipc", libc::CLONE_NEWIPC),
        ("uts", libc::CLONE_NEWUTS),
        ("network", libc::CLONE_NEWNET),
    ];
    for (name, flag) in each {
        match sys::clone(flag, None) {
            Ok(sys::Forked::Child) => sys::exit(0),
            Ok(sys::Forked::Parent { .. }) => {}
            Err(_) => return format!(" (the {name} namespace)"),
        }
    }
    String::new()
}

fn spawn(
    make: &Make,
    fds: Vec<OwnedFd>,
    (filter, covers, is_warm): (&[libc::sock_filter], &init::Covers, bool),
) -> Result<Spawned, Failure> {
    let mut fds = fds.into_iter();
    let mut next = || {
        fds.next()
            .ok_or_else(malformed)
            .doing("reading a request for a cell")
    };
    let worker = next()?;
    let cgroups = if make.has_unified {
        Some((next()?, next()?))
    } else {
        None
    };
    let own = cgroups.as_ref().map(|(own, _)| own.as_fd());
    let cloned = sys::clone(namespaces(), own);
    let doing = || format!("making the cell's namespaces{}", the_impossible_one());
    match cloned.map_err(|error| Failure::new(doing(), &error))? {
        sys::Forked::Parent { pid, pidfd } => Ok(Spawned::Cell { pid, pidfd }),
        sys::Forked::Child => {
            let steps = cgroups.map(|(_, steps)| steps);
            let tasks = fds.collect();
            Ok(Spawned::Told(init::main(init::Cell {
                make,
                worker,
                steps,
                tasks,
                filter,
                covers,
                is_warm,
            })))
        }
    }
}

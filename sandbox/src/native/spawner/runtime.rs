//! The spawner as a warm runtime, before and after it has become one.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::IntoRawFd as _;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::MemfdFlags;
use rustix::mount::UnmountFlags;

use super::super::config::LIBRARY;
use super::super::init::Told;
use super::super::protocol::Runtime;
use super::super::wire::{Doing, Failure, Reader, Writer, malformed};
use super::super::{handover, init, sys};

/// Where the runtime finds what the spawner has learned, and later its cells' programs what they
/// shall do.
const HANDED_OVER: i32 = 3;

/// Becomes the runtime; returns only with the reason why that failed. Standard input stays the
/// socket to the worker.
pub(super) fn become_it(host: &Runtime, covers: &init::Covers) -> Result<(), Failure> {
    let what = "starting a warm runtime";
    // It reads some of them when it starts, and where it is, too.
    init::limit_all()?;
    rustix::process::chdir("/box").doing(what)?;
    hand_over(&covers.write(Writer::new(0)).finish()).doing(what)?;
    // It begins with the descriptors that a program in a cell has.
    sys::close_on_exec_from(HANDED_OVER.cast_unsigned() + 1).doing(what)?;
    // What a program that this one starts has ignored, it inherits; those of a cell inherit none.
    sys::reset_signals();
    let program = host.argv.first().ok_or_else(malformed).doing(what)?;
    Err(sys::execute(program, &host.argv, &host.env)).doing(what)
}

/// Serves as the spawner inside the runtime, which has loaded the library. Returns only in a
/// process of a cell that goes on as the runtime, which reads what it is told.
pub(in super::super) fn serve() {
    let Told { words, env, .. } = told();
    if hand_over(&handover::write(&words, &env)).is_err() {
        sys::exit(1);
    }
}

/// Serves as the spawner inside the runtime. Returns only in a process of a cell that goes on as
/// the runtime, with what it is told and with no descriptor but the program's streams.
pub(in super::super) fn told() -> Told {
    match live() {
        Ok(Some(told)) => told,
        Ok(None) => sys::exit(0),
        Err(_) => sys::exit(1),
    }
}

fn live() -> io::Result<Option<Told>> {
    let mut learned = Vec::new();
    take_over()?.read_to_end(&mut learned)?;
    let (_, mut reader) = Reader::new(&learned)?;
    let covers = init::Covers::read(&mut reader)?;
    // What is in memory stays there. The cells, whose mounts are copies of these, would list where
    // on the host it is from.
    rustix::mount::unmount(LIBRARY, UnmountFlags::DETACH)?;
    let worker = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), HANDED_OVER)?;
    super::serve(worker, &covers, true)
}

/// Makes bytes readable at the agreed number, which nobody uses.
fn hand_over(bytes: &[u8]) -> io::Result<()> {
    let mut file = File::from(rustix::fs::memfd_create("told", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    sys::place(vec![file.into()], HANDED_OVER)
}

/// Where that is meanwhile, for a runtime whose descriptors shall have the numbers that they have
/// in a program's.
static SET_ASIDE: AtomicI32 = AtomicI32::new(HANDED_OVER);

/// Above all numbers that a runtime uses when it starts.
const ASIDE: i32 = 512;

/// Gives up the number of what the spawner has learned, before the runtime starts.
pub(in super::super) fn set_aside() {
    let moved = take_over().and_then(|file| Ok(rustix::io::fcntl_dupfd_cloexec(file, ASIDE)?));
    if let Ok(moved) = moved {
        SET_ASIDE.store(moved.into_raw_fd(), Ordering::Relaxed);
    }
}

fn take_over() -> io::Result<File> {
    let number = SET_ASIDE.load(Ordering::Relaxed);
    Ok(File::from(sys::own(number)?))
}

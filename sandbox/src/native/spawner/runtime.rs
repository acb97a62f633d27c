//! The spawner as a warm runtime, before and after it has become one.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};

use rustix::fs::MemfdFlags;

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
    let program = host.argv.first().ok_or_else(malformed).doing(what)?;
    Err(sys::execute(program, &host.argv, &host.env)).doing(what)
}

/// Serves as the spawner inside the runtime, which has loaded the library. Returns only in a
/// process of a cell that goes on as the runtime.
pub(in super::super) fn serve() {
    let code = match live() {
        Ok(true) => return,
        Ok(false) => 0,
        Err(_) => 1,
    };
    sys::exit(code)
}

fn live() -> io::Result<bool> {
    let mut learned = Vec::new();
    take_over()?.read_to_end(&mut learned)?;
    let (_, mut reader) = Reader::new(&learned)?;
    let covers = init::Covers::read(&mut reader)?;
    let worker = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), HANDED_OVER)?;
    let Some(told) = super::serve(worker, &covers, true)? else {
        return Ok(false);
    };
    hand_over(&handover::write(&told.words, &told.env))?;
    Ok(true)
}

/// Makes bytes readable at the agreed number, which nobody uses.
fn hand_over(bytes: &[u8]) -> io::Result<()> {
    let mut file = File::from(rustix::fs::memfd_create("told", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    sys::place(vec![file.into()], HANDED_OVER)
}

fn take_over() -> io::Result<File> {
    Ok(File::from(sys::own(HANDED_OVER)?))
}

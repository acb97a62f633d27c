//! Who tells a runtime that was started in the cell to go.
//!
//! The runtime is the step's main process, has given up everything, and only reads. So another
//! process of the same user puts the step's files where they belong, and then passes on what the
//! runtime shall do and ends.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::PipeFlags;
use rustix::process::Pid;

use super::super::protocol::{Go, kind};
use super::super::wire::{Doing, Failure, Reader, Writer};
use super::super::{channel, handover, sys};
use super::put;
use super::restrict::{limit_files, restrict};

/// A runtime's ends of the pipes between it and its herald.
pub(super) struct RuntimeEnds {
    pub(super) go: OwnedFd,
    pub(super) ready: OwnedFd,
}

/// The herald's ends.
pub(super) struct HeraldEnds {
    go: OwnedFd,
    ready: OwnedFd,
}

/// Makes the pipes.
pub(super) fn connect() -> io::Result<(RuntimeEnds, HeraldEnds)> {
    let (go_reader, go) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let (ready, ready_writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let theirs = RuntimeEnds {
        go: go_reader,
        ready: ready_writer,
    };
    Ok((theirs, HeraldEnds { go, ready }))
}

/// Waits for the runtime, then for the word to go, and passes it on.
pub(super) fn main(
    worker: OwnedFd,
    ends: HeraldEnds,
    runtime: i32,
    filter: &[libc::sock_filter],
) -> ! {
    if let Err(failure) = live(&worker, ends, runtime, filter) {
        // If the worker is gone too, nobody is left to be told.
        let _ = channel::send(&worker, &failure.write(kind::FAILED), &[]);
    }
    // The end of the channel says that the step runs.
    sys::exit(0)
}

fn live(
    worker: &OwnedFd,
    ends: HeraldEnds,
    runtime: i32,
    filter: &[libc::sock_filter],
) -> Result<(), Failure> {
    restrict(
        &[worker.as_fd(), ends.go.as_fd(), ends.ready.as_fd()],
        filter,
    )?;
    sys::ignore(libc::SIGPIPE);
    let what = "waiting for a runtime to be ready";
    if rustix::io::read(&ends.ready, &mut [0_u8; 1]).doing(what)? == 0 {
        return Err(io::Error::from_raw_os_error(libc::ECHILD)).doing(what);
    }
    drop(ends.ready);
    let ready = Writer::new(kind::READY).finish();
    channel::send(worker, &ready, &[]).doing("telling the worker")?;
    let Some(go) = channel::receive(worker).doing("waiting to go")? else {
        return Ok(());
    };
    let what = "telling a runtime what to run";
    let (_, mut reader) = Reader::new(&go.bytes).doing(what)?;
    let Go {
        files,
        words,
        env,
        file_bytes,
        ..
    } = Go::read(&mut reader).doing(what)?;
    put::files(&files)?;
    limit_files(Pid::from_raw(runtime), file_bytes).doing("limiting the size of files")?;
    let told = handover::write(&words.unwrap_or_default(), &env);
    std::fs::File::from(ends.go).write_all(&told).doing(what)
}

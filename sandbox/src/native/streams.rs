//! What goes in and out of a running step, through pipes or a terminal.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rustix::fs::Mode;
use rustix::pipe::PipeFlags;
use rustix::termios::{LocalModes, SpecialCodeIndex};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::init::window;
use super::sys;
use crate::engine::Typed;
use crate::{Output, OutputStream, WindowSize};

/// The most that is read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// Our ends of a step's three pipes.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: AsyncFd<OwnedFd>,
    pub(super) stdout: AsyncFd<OwnedFd>,
    pub(super) stderr: AsyncFd<OwnedFd>,
}

impl Pipes {
    /// Makes them, and the program's ends. What it does to those (flags, sizes) does not reach
    /// ours.
    pub(super) fn new() -> io::Result<(Self, [OwnedFd; 3])> {
        let pipe = || {
            let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            // A program may open `/dev/stdin` and the like, which asks for the pipe's mode, and
            // the pipe is ours. Nobody else finds its way to it.
            rustix::fs::fchmod(&reader, Mode::from_raw_mode(0o666))?;
            io::Result::Ok((reader, writer))
        };
        let ((stdin, in_writer), (out_reader, stdout), (err_reader, stderr)) =
            (pipe()?, pipe()?, pipe()?);
        let ours = Self {
            stdin: sys::watch(in_writer)?,
            stdout: sys::watch(out_reader)?,
            stderr: sys::watch(err_reader)?,
        };
        Ok((ours, [stdin, stdout, stderr]))
    }
}

/// Hands over what a program writes until it is over: then what is left in the pipe is all
/// there is, whoever may still hold its other end.
pub(super) async fn pump(
    source: Arc<AsyncFd<OwnedFd>>,
    stream: OutputStream,
    started: Instant,
    output: mpsc::Sender<Output>,
    over: CancellationToken,
) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = tokio::select! {
            biased;
            read = source.async_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, &mut buffer)?)) => read,
            () = over.cancelled() => break,
        };
        match read {
            // A terminal says EIO while no process has it open, which may change.
            Ok(0) | Err(_) => {
                over.cancelled().await;
                break;
            }
            Ok(length) => hand_over(&output, stream, started, &buffer[..length]).await,
        }
    }
    while let Ok(length @ 1..) = rustix::io::read(source.get_ref(), &mut buffer) {
        hand_over(&output, stream, started, &buffer[..length]).await;
    }
}

async fn hand_over(
    output: &mpsc::Sender<Output>,
    stream: OutputStream,
    started: Instant,
    bytes: &[u8],
) {
    let since_start = started.elapsed();
    let chunk = Output {
        stream,
        bytes: Bytes::copy_from_slice(bytes),
        since_start,
    };
    // A reader that has gone away must not stop the program.
    let _ = output.send(chunk).await;
}

/// Where typed bytes go.
pub(super) enum Sink {
    Pipe(AsyncFd<OwnedFd>),
    Terminal(Arc<AsyncFd<OwnedFd>>),
}

/// Passes typed bytes on until the step is over; whoever types never notices more than waiting.
pub(super) async fn feed(sink: Sink, mut typed: mpsc::Receiver<Typed>, over: CancellationToken) {
    let work = async {
        pass_on(sink, &mut typed).await;
        // Nobody reads any more: what still comes is swallowed.
        while typed.recv().await.is_some() {}
    };
    tokio::select! {
        biased;
        () = over.cancelled() => {}
        () = work => {}
    }
}

async fn pass_on(sink: Sink, typed: &mut mpsc::Receiver<Typed>) {
    let mut at_line_start = true;
    while let Some(typed) = typed.recv().await {
        let (fd, bytes) = match (&sink, typed) {
            (Sink::Pipe(_), Typed::Eof) => return,
            (Sink::Terminal(fd), Typed::Eof) => (&**fd, end_of_file(fd.get_ref(), at_line_start)),
            (Sink::Pipe(fd), Typed::Bytes(bytes)) => (fd, bytes),
            (Sink::Terminal(fd), Typed::Bytes(bytes)) => (&**fd, bytes),
        };
        at_line_start = bytes
            .last()
            .map_or(at_line_start, |last| matches!(last, b'\n' | b'\r' | 4));
        if write_all(fd, &bytes).await.is_err() {
            return;
        }
    }
    if let Sink::Terminal(_) = sink {
        // Nobody can type any more, but that is no end of file.
        std::future::pending().await
    }
}

async fn write_all(fd: &AsyncFd<OwnedFd>, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        let written = fd
            .async_io(Interest::WRITABLE, |fd| Ok(rustix::io::write(fd, rest)?))
            .await?;
        rest = &rest[written..];
    }
    Ok(())
}

/// The end-of-file character; in the middle of a line it is needed twice, as the first one only
/// ends the line.
pub(crate) fn end_of_file(terminal: impl AsFd, at_line_start: bool) -> Bytes {
    let modes = rustix::termios::tcgetattr(terminal);
    let (code, by_lines) = modes.map_or((4, true), |modes| {
        let code = modes.special_codes[SpecialCodeIndex::VEOF];
        (code, modes.local_modes.contains(LocalModes::ICANON))
    });
    let times = if by_lines && !at_line_start { 2 } else { 1 };
    vec![code; times].into()
}

/// Changes a terminal's size, of which its foreground group is told.
pub(super) fn resize(terminal: &AsyncFd<OwnedFd>, size: WindowSize) {
    // A terminal that nobody has open any more has no size to change.
    let _ = rustix::termios::tcsetwinsize(terminal.get_ref(), window(size));
}

//! What waits in a container's init: messages for the worker, and input for the program.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use bytes::Bytes;

use super::super::frames::frame;
use super::super::protocol::Report;
use crate::native::streams::end_of_file;

/// With more than this waiting for the worker, programs wait too.
const FULL: usize = 256 << 10;

/// Messages for the worker, and what init itself has read and written, which is not the program's.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: VecDeque<u8>,
    read: u64,
    written: u64,
}

impl Outgoing {
    pub(super) fn push(&mut self, report: &Report) {
        if let Ok(framed) = frame(&report.write()) {
            self.bytes.extend(framed);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes what the other side takes.
    pub(super) fn flush(&mut self, to: BorrowedFd<'_>) -> io::Result<()> {
        while !self.bytes.is_empty() {
            match rustix::io::write(to, self.bytes.as_slices().0) {
                Ok(written) => {
                    self.count_written(written);
                    self.bytes.drain(..written);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        // A burst must not stay: it counts as the cell's memory.
        self.bytes.shrink_to(FULL);
        Ok(())
    }

    pub(super) fn count_read(&mut self, bytes: usize) {
        self.read += bytes as u64;
    }

    pub(super) fn count_written(&mut self, bytes: usize) {
        self.written += bytes as u64;
    }

    pub(super) fn reset_counts(&mut self) {
        (self.read, self.written) = (0, 0);
    }

    /// Bytes read and written by init since the counts were reset.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.read, self.written)
    }
}

/// Where typed bytes go.
enum Sink {
    Pipe(OwnedFd),
    Terminal(OwnedFd),
    /// Nobody reads any more.
    Closed,
}

enum Item {
    Bytes(Bytes),
    End,
}

/// Input on its way to the program, in order with its end.
pub(super) struct Typing {
    sink: Sink,
    waiting: VecDeque<Item>,
    at_line_start: bool,
}

impl Typing {
    pub(super) fn through_pipe(fd: OwnedFd) -> Self {
        Self::new(Sink::Pipe(fd))
    }

    pub(super) fn on_terminal(master: OwnedFd) -> Self {
        Self::new(Sink::Terminal(master))
    }

    fn new(sink: Sink) -> Self {
        Self {
            sink,
            waiting: VecDeque::new(),
            at_line_start: true,
        }
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.waiting.push_back(Item::Bytes(bytes));
    }

    pub(super) fn end(&mut self) {
        self.waiting.push_back(Item::End);
    }

    /// The terminal, if it is one.
    pub(super) fn terminal(&self) -> Option<BorrowedFd<'_>> {
        match &self.sink {
            Sink::Terminal(master) => Some(master.as_fd()),
            Sink::Pipe(_) | Sink::Closed => None,
        }
    }

    /// What must become writable before anything can go on.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        if self.waiting.is_empty() {
            return None;
        }
        match &self.sink {
            Sink::Terminal(fd) | Sink::Pipe(fd) => Some(fd.as_fd()),
            Sink::Closed => None,
        }
    }

    /// Writes what the program takes; gives how many bytes are gone, read or swallowed.
    pub(super) fn write(&mut self) -> usize {
        let mut gone = 0;
        while let Some(item) = self.waiting.pop_front() {
            let (bytes, is_end) = match (item, &self.sink) {
                (Item::Bytes(bytes), Sink::Closed) => {
                    gone += bytes.len();
                    continue;
                }
                (Item::End, Sink::Closed) => continue,
                (Item::End, Sink::Pipe(_)) => {
                    self.sink = Sink::Closed;
                    continue;
                }
                (Item::End, Sink::Terminal(fd)) => (end_of_file(fd, self.at_line_start), true),
                (Item::Bytes(bytes), _) => (bytes, false),
            };
            let (Sink::Pipe(fd) | Sink::Terminal(fd)) = &self.sink else {
                continue;
            };
            let written = match rustix::io::write(fd, &bytes) {
                Ok(written) => written,
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => 0,
                Err(_) => {
                    self.sink = Sink::Closed;
                    bytes.len()
                }
            };
            if let Some(last) = bytes[..written].last() {
                self.at_line_start = matches!(last, b'\n' | b'\r' | 4);
            }
            gone += if is_end { 0 } else { written };
            if written < bytes.len() {
                let rest = bytes.slice(written..);
                self.waiting
                    .push_front(if is_end { Item::End } else { Item::Bytes(rest) });
                return gone;
            }
        }
        gone
    }

    /// Swallows what is left; gives how many bytes that were.
    pub(super) fn give_up(&mut self) -> usize {
        self.sink = Sink::Closed;
        self.write()
    }
}

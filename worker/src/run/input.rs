//! What goes to a program: standard input, its end, resizes and signals. Pure.
//!
//! Bytes and their end wait in order until the program reads; resizes and signals do not pass
//! through here, they overtake them. What viewers sent is recorded when it is handed over. What came with the submission is not: it
//! stands there already.

use std::collections::VecDeque;

use bytes::Bytes;
use runlog_schemas::control::ControlRefusal;
use runlog_schemas::{ChunkKind, Data, TerminalSize};

/// Bytes that may wait for a program that does not read.
const WAITING_BYTES: usize = 256 << 10;
/// The most bytes that are handed over at once.
const PIECE_BYTES: usize = 64 << 10;

/// One thing for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Bytes for standard input.
    Bytes(Bytes),
    /// The end of standard input.
    Eof,
    /// A new size of the terminal.
    Resize(TerminalSize),
    /// A signal, by its number.
    Signal(i32),
}

/// What waits to be handed to the program.
#[derive(Debug)]
pub(crate) struct InputQueue {
    typed: VecDeque<Typed>,
    typed_bytes: usize,
    /// Whether viewers may still add bytes.
    open: bool,
    /// Whether the program runs.
    started: bool,
    /// Whether the front of `typed` is being handed over.
    busy: bool,
}

#[derive(Debug)]
struct Typed {
    what: Sent,
    by_viewer: bool,
}

impl InputQueue {
    /// The input of a submission: `stdin` first, then what viewers type if it is `interactive`.
    pub(crate) fn new(stdin: Option<&Data>, interactive: bool) -> Self {
        let mut queue = Self {
            typed: VecDeque::new(),
            typed_bytes: 0,
            open: interactive,
            started: false,
            busy: false,
        };
        if let Some(stdin) = stdin {
            queue.put(&stdin.0, false);
        }
        if !interactive {
            queue.typed.push_back(Typed {
                what: Sent::Eof,
                by_viewer: false,
            });
        }
        queue
    }

    /// A viewer typed.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<(), ControlRefusal> {
        if !self.open {
            return Err(ControlRefusal::InputClosed);
        }
        if self.typed_bytes + bytes.len() > WAITING_BYTES {
            return Err(ControlRefusal::InputFull);
        }
        self.put(bytes, true);
        Ok(())
    }

    /// A viewer ended standard input.
    pub(crate) fn close(&mut self) -> Result<(), ControlRefusal> {
        if !self.open {
            return Err(ControlRefusal::InputClosed);
        }
        self.open = false;
        self.typed.push_back(Typed {
            what: Sent::Eof,
            by_viewer: true,
        });
        Ok(())
    }

    /// The program runs: what waits may go.
    pub(crate) fn start(&mut self) {
        self.started = true;
    }

    /// The program does not run any more.
    pub(crate) fn end(&mut self) {
        self.started = false;
        self.open = false;
        self.typed.clear();
        self.typed_bytes = 0;
    }

    /// The next bytes or their end to hand over; [`InputQueue::handed_over`] must follow before
    /// there is another.
    pub(crate) fn next_typed(&mut self) -> Option<Sent> {
        if !self.started || self.busy {
            return None;
        }
        let what = self.typed.front()?.what.clone();
        self.busy = true;
        Some(what)
    }

    /// What [`InputQueue::next_typed`] gave is with the program; gives the chunk to record, if any.
    pub(crate) fn handed_over(&mut self) -> Option<ChunkKind> {
        if !std::mem::take(&mut self.busy) {
            return None;
        }
        let typed = self.typed.pop_front()?;
        if let Sent::Bytes(bytes) = &typed.what {
            self.typed_bytes -= bytes.len();
        }
        typed.by_viewer.then(|| typed.what.chunk())
    }

    fn put(&mut self, bytes: &[u8], by_viewer: bool) {
        self.typed_bytes += bytes.len();
        for piece in bytes.chunks(PIECE_BYTES) {
            self.typed.push_back(Typed {
                what: Sent::Bytes(Bytes::copy_from_slice(piece)),
                by_viewer,
            });
        }
    }
}

impl Sent {
    /// How it is recorded.
    pub(crate) fn chunk(&self) -> ChunkKind {
        match self {
            Self::Bytes(bytes) => ChunkKind::Input {
                data: Data(bytes.to_vec()),
            },
            Self::Eof => ChunkKind::Eof,
            Self::Resize(size) => ChunkKind::Resize { size: *size },
            Self::Signal(signal) => ChunkKind::Signal { signal: *signal },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Sent {
        Sent::Bytes(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn input_of_the_submission_goes_first_and_is_not_recorded() {
        let mut queue = InputQueue::new(Some(&"given".into()), true);
        queue.add(b"typed").unwrap();
        queue.close().unwrap();
        assert_eq!(queue.add(b"late"), Err(ControlRefusal::InputClosed));
        assert_eq!(queue.next_typed(), None, "it does not run yet");
        queue.start();
        assert_eq!(queue.next_typed(), Some(bytes("given")));
        assert_eq!(queue.next_typed(), None, "one at a time");
        assert_eq!(queue.handed_over(), None);
        assert_eq!(queue.next_typed(), Some(bytes("typed")));
        assert_eq!(queue.handed_over(), Some(bytes("typed").chunk()));
        assert_eq!(queue.next_typed(), Some(Sent::Eof));
        assert_eq!(queue.handed_over(), Some(ChunkKind::Eof));
        assert_eq!(queue.next_typed(), None);
    }

    #[test]
    fn without_interaction_standard_input_ends_by_itself() {
        let mut queue = InputQueue::new(None, false);
        assert_eq!(queue.add(b"x"), Err(ControlRefusal::InputClosed));
        assert_eq!(queue.close(), Err(ControlRefusal::InputClosed));
        queue.start();
        assert_eq!(queue.next_typed(), Some(Sent::Eof));
        assert_eq!(queue.handed_over(), None);
    }

    #[test]
    fn a_program_that_does_not_read_fills_its_input() {
        let mut queue = InputQueue::new(None, true);
        queue.start();
        queue.add(&[b'x'; WAITING_BYTES]).unwrap();
        assert_eq!(queue.add(b"x"), Err(ControlRefusal::InputFull));
        queue.next_typed().unwrap();
        queue.handed_over().unwrap();
        queue.add(b"x").unwrap();
    }

    #[test]
    fn what_is_handed_over_after_the_end_is_not_recorded() {
        let mut queue = InputQueue::new(None, true);
        queue.start();
        queue.add(b"x").unwrap();
        queue.next_typed().unwrap();
        queue.end();
        assert_eq!(queue.handed_over(), None);
        assert_eq!(queue.add(b"y"), Err(ControlRefusal::InputClosed));
    }
}

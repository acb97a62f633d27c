//! The way of our standard input to the program. Pure.
//!
//! One request is on its way at a time, and it counts as done when the recording shows its
//! bytes. So nothing is lost when a connection is, nothing is sent twice, and a program that
//! does not read makes us stop reading. What a pipe has delivered is kept, because another
//! attempt of the program has to get it from the beginning.

use runlog_schemas::api::ViewerRequest;
use runlog_schemas::{ChunkKind, Data};

/// The most that is sent at once.
const PIECE: usize = 32 * 1024;

/// We read on while less than this waits.
const WAITING: usize = 2 * PIECE;

/// What is kept of a pipe for another attempt.
const KEPT: usize = 16 * 1024 * 1024;

/// Ticks after which what a lost connection carried counts as lost with it.
const PATIENCE: u32 = 20;

/// Our standard input, on its way.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// What was read and may still be needed.
    bytes: Vec<u8>,
    /// How much of `bytes` the program has got.
    applied: usize,
    in_flight: Option<InFlight>,
    /// Our standard input has ended.
    ended: bool,
    /// The program's standard input has ended.
    eof_applied: bool,
    /// The program runs.
    open: bool,
    /// The program takes nothing more.
    closed: bool,
    /// The last request was refused for now.
    paused: bool,
    /// A person types: another attempt gets what they type then.
    typed: bool,
    /// More was applied than is kept.
    forgotten: bool,
}

#[derive(Debug)]
struct InFlight {
    /// Bytes that have not come back; 0 stands for the end of input.
    bytes: usize,
    /// Which connection carried it.
    connection: u64,
    ticks: u32,
}

/// Another attempt needs input that is no longer here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forgotten;

impl Feed {
    /// A feed from a person who types, or from a pipe.
    pub(super) fn new(typed: bool) -> Self {
        Self {
            typed,
            ..Self::default()
        }
    }

    /// Whether our standard input should be read on.
    pub(super) const fn wants_more(&self) -> bool {
        !self.closed && !self.ended && self.bytes.len() - self.applied < WAITING
    }

    /// Takes what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Our standard input has ended.
    pub(super) const fn end(&mut self) {
        self.ended = true;
    }

    /// The program runs and can be fed.
    pub(super) const fn open(&mut self) {
        self.open = true;
    }

    /// The next request, if one can be sent now.
    pub(super) fn next(&mut self, connection: u64) -> Option<ViewerRequest> {
        if !self.open || self.closed || self.paused || self.in_flight.is_some() {
            return None;
        }
        let waiting = &self.bytes[self.applied..];
        let piece = &waiting[..waiting.len().min(PIECE)];
        if piece.is_empty() && (!self.ended || self.eof_applied) {
            return None;
        }
        self.in_flight = Some(InFlight {
            bytes: piece.len(),
            connection,
            ticks: 0,
        });
        Some(if piece.is_empty() {
            ViewerRequest::Eof {}
        } else {
            let data = Data(piece.to_vec());
            ViewerRequest::Stdin { data }
        })
    }

    /// The request could not even be sent.
    pub(super) fn unsent(&mut self) {
        self.in_flight = None;
        self.paused = true;
    }

    /// Takes a chunk of the recording.
    pub(super) fn recorded(&mut self, what: &ChunkKind) {
        match (what, &mut self.in_flight) {
            // What others typed is not ours; while ours is on its way the two cannot be told
            // apart, and one who feeds a pipe to a program is alone with it.
            (ChunkKind::Input { data }, Some(sent)) if sent.bytes > 0 => {
                let count = data.0.len().min(sent.bytes);
                sent.bytes -= count;
                self.applied += count;
                if sent.bytes == 0 {
                    self.in_flight = None;
                }
                self.forget();
            }
            (ChunkKind::Eof, _) => {
                self.eof_applied = true;
                self.closed = !self.typed;
                self.in_flight = None;
            }
            _ => {}
        }
    }

    /// The edge or the worker did not apply the request.
    pub(super) fn refused(&mut self, code: &str) {
        if self.in_flight.take().is_none() {
            return;
        }
        match code {
            "input_closed" | "ended" => self.closed = true,
            // The program does not read now, or nobody can be asked now: the same again, later.
            _ => self.paused = true,
        }
    }

    /// Another attempt begins.
    pub(super) fn restart(&mut self) -> Result<(), Forgotten> {
        if self.forgotten && !self.typed {
            return Err(Forgotten);
        }
        self.open = false;
        self.closed = false;
        self.paused = false;
        self.eof_applied = false;
        self.in_flight = None;
        self.applied = 0;
        Ok(())
    }

    /// Whether time has to pass for something to happen.
    pub(super) const fn waits(&self) -> bool {
        self.paused || self.in_flight.is_some()
    }

    /// Some time has passed; `connection` is the one that stands now.
    pub(super) fn tick(&mut self, connection: u64) {
        self.paused = false;
        let lost = self.in_flight.as_mut().is_some_and(|sent| {
            sent.ticks += u32::from(sent.connection != connection);
            sent.ticks > PATIENCE
        });
        if lost {
            self.in_flight = None;
        }
    }

    fn forget(&mut self) {
        if self.typed || self.applied > KEPT {
            self.bytes.drain(..self.applied);
            self.applied = 0;
            self.forgotten = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(bytes: &[u8]) -> ChunkKind {
        ChunkKind::Input {
            data: Data(bytes.to_vec()),
        }
    }

    fn stdin(bytes: &[u8]) -> Option<ViewerRequest> {
        Some(ViewerRequest::Stdin {
            data: Data(bytes.to_vec()),
        })
    }

    #[test]
    fn one_piece_at_a_time_then_the_end() {
        let mut feed = Feed::new(false);
        feed.push(b"ab");
        assert_eq!(feed.next(1), None, "the program does not run yet");
        feed.open();
        assert_eq!(feed.next(1), stdin(b"ab"));
        feed.push(b"c");
        feed.end();
        assert_eq!(feed.next(1), None, "one is on its way");
        feed.recorded(&input(b"a"));
        assert_eq!(feed.next(1), None, "half of it is");
        feed.recorded(&input(b"b"));
        assert_eq!(feed.next(1), stdin(b"c"));
        feed.recorded(&input(b"c"));
        assert_eq!(feed.next(1), Some(ViewerRequest::Eof {}));
        feed.recorded(&ChunkKind::Eof);
        assert_eq!(feed.next(1), None);
        assert!(!feed.wants_more() && !feed.waits());
    }

    #[test]
    fn what_was_refused_for_now_is_sent_again_later() {
        let mut feed = Feed::new(false);
        feed.push(b"ab");
        feed.open();
        assert!(feed.next(1).is_some());
        feed.refused("input_full");
        assert_eq!(feed.next(1), None);
        assert!(feed.waits());
        feed.tick(1);
        assert_eq!(feed.next(1), stdin(b"ab"));
        feed.refused("input_closed");
        feed.tick(1);
        assert_eq!(feed.next(1), None);
        assert!(!feed.wants_more());
    }

    #[test]
    fn only_a_lost_connection_makes_us_send_again() {
        let mut feed = Feed::new(false);
        feed.push(b"ab");
        feed.open();
        assert!(feed.next(1).is_some());
        for _ in 0..100 {
            feed.tick(1);
        }
        assert_eq!(feed.next(1), None, "its answer is still to come");
        for _ in 0..=PATIENCE {
            feed.tick(2);
        }
        assert_eq!(feed.next(2), stdin(b"ab"));
    }

    #[test]
    fn another_attempt_gets_a_pipe_from_its_beginning() {
        let mut feed = Feed::new(false);
        feed.push(b"ab");
        feed.end();
        feed.open();
        assert!(feed.next(1).is_some());
        feed.recorded(&input(b"ab"));
        assert!(feed.next(1).is_some());
        feed.recorded(&ChunkKind::Eof);
        assert_eq!(feed.restart(), Ok(()));
        assert_eq!(feed.next(1), None, "it does not run yet");
        feed.open();
        assert_eq!(feed.next(1), stdin(b"ab"));
        feed.recorded(&input(b"ab"));
        assert_eq!(feed.next(1), Some(ViewerRequest::Eof {}));
    }

    #[test]
    fn a_pipe_of_which_too_much_was_applied_cannot_begin_again() {
        let mut feed = Feed::new(false);
        feed.open();
        let piece = vec![b'x'; PIECE];
        for _ in 0..=(KEPT / PIECE) {
            feed.push(&piece);
            assert!(feed.next(1).is_some());
            feed.recorded(&input(&piece));
        }
        assert!(feed.bytes.len() <= PIECE, "memory stays bounded");
        assert_eq!(feed.restart(), Err(Forgotten));
    }

    #[test]
    fn what_a_person_typed_is_not_typed_again() {
        let mut feed = Feed::new(true);
        feed.push(b"x");
        feed.open();
        assert!(feed.next(1).is_some());
        feed.recorded(&input(b"x"));
        assert_eq!(feed.restart(), Ok(()));
        feed.open();
        assert_eq!(feed.next(1), None);
    }

    proptest! {
        #[test]
        fn the_program_gets_every_byte_once(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..20),
            refusals in prop::collection::vec(any::<bool>(), 0..20),
        ) {
            let mut feed = Feed::new(false);
            feed.open();
            let mut refusals = refusals.into_iter();
            let mut got = Vec::new();
            let mut pieces_left = pieces.iter();
            loop {
                if let Some(piece) = pieces_left.next() {
                    feed.push(piece);
                } else {
                    feed.end();
                }
                match feed.next(1) {
                    Some(ViewerRequest::Stdin { .. }) if refusals.next() == Some(true) => {
                        feed.refused("input_full");
                        feed.tick(1);
                    }
                    Some(ViewerRequest::Stdin { data }) => {
                        got.extend_from_slice(&data.0);
                        feed.recorded(&ChunkKind::Input { data });
                    }
                    Some(_) => break,
                    None => {}
                }
            }
            prop_assert_eq!(got, pieces.concat());
        }
    }
}

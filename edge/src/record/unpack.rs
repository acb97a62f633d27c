//! Unpacks a recording piece by piece, so that its size does not show in memory.

use std::io;

use bytes::{Buf as _, Bytes};
use runlog_schemas::OutputBatch;
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

/// Bytes that are unpacked at once.
const STEP_BYTES: usize = 64 << 10;
/// The longest line that is taken, in bytes: far more than any message of the log has.
const LONGEST_LINE: usize = 16 << 20;

/// zstd of JSON lines on one side, batches of chunks on the other.
pub(crate) struct Unpacker {
    decoder: Decoder<'static>,
    packed: Bytes,
    step: Box<[u8]>,
    /// What was unpacked and not given out.
    plain: Vec<u8>,
    /// Bytes in front of `plain` that have been given out.
    given: usize,
    /// Bytes in front of `plain` that hold no end of a line.
    searched: usize,
    /// Whether the decoder may have more without a further piece.
    has_more: bool,
    /// Whether what came so far is a whole frame.
    whole: bool,
}

impl Unpacker {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            decoder: Decoder::new()?,
            packed: Bytes::new(),
            step: vec![0; STEP_BYTES].into(),
            plain: Vec::new(),
            given: 0,
            searched: 0,
            has_more: false,
            whole: false,
        })
    }

    /// Takes the next piece, once [`Unpacker::next_batch`] asks for one.
    pub(crate) fn push(&mut self, piece: Bytes) {
        debug_assert!(self.packed.is_empty(), "one piece at a time");
        self.packed = piece;
    }

    /// The next batch; `None` where another piece is needed first, or nothing more comes.
    pub(crate) fn next_batch(&mut self) -> io::Result<Option<OutputBatch>> {
        loop {
            if let Some(line) = self.next_line() {
                let batch = serde_json::from_slice(&self.plain[line])?;
                return Ok(Some(batch));
            }
            if self.plain.len() - self.given > LONGEST_LINE {
                return Err(io::Error::other("a line without an end"));
            }
            if self.packed.is_empty() && !self.has_more {
                return Ok(None);
            }
            self.unpack()?;
        }
    }

    /// Whether everything that came has been given out, and is whole.
    pub(crate) fn is_through(&self) -> bool {
        self.whole && self.packed.is_empty() && self.given == self.plain.len()
    }

    fn next_line(&mut self) -> Option<std::ops::Range<usize>> {
        let end = self.plain[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.searched = self.plain.len();
            return None;
        };
        let end = self.searched + end;
        let line = self.given..end;
        self.given = end + 1;
        self.searched = self.given;
        Some(line)
    }

    fn unpack(&mut self) -> io::Result<()> {
        self.plain.drain(..self.given);
        self.searched -= self.given;
        self.given = 0;
        let mut from = InBuffer::around(&self.packed);
        let mut to = OutBuffer::around(&mut self.step[..]);
        let left = self.decoder.run(&mut from, &mut to)?;
        let (read, written) = (from.pos(), to.pos());
        self.plain.extend_from_slice(&self.step[..written]);
        self.packed.advance(read);
        self.has_more = written == STEP_BYTES;
        self.whole = left == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Chunk, ChunkKind, Data};

    use super::*;

    fn batches(count: u64, bytes: usize) -> Vec<OutputBatch> {
        let batch = |number: u64| OutputBatch {
            attempt: 1,
            chunks: vec![Chunk {
                number,
                at_us: number,
                what: ChunkKind::Stdout {
                    data: Data(vec![b'a'; bytes]),
                },
            }],
        };
        (0..count).map(batch).collect()
    }

    fn pack(batches: &[OutputBatch]) -> Vec<u8> {
        let lines: String = batches
            .iter()
            .map(|batch| serde_json::to_string(batch).unwrap() + "\n")
            .collect();
        zstd::encode_all(lines.as_bytes(), 3).unwrap()
    }

    /// Everything in pieces of that size, and the most memory that it took.
    fn unpack(packed: &[u8], piece: usize) -> (Vec<OutputBatch>, usize) {
        let mut unpacker = Unpacker::new().unwrap();
        let (mut all, mut most) = (Vec::new(), 0);
        for piece in packed.chunks(piece) {
            unpacker.push(Bytes::copy_from_slice(piece));
            while let Some(batch) = unpacker.next_batch().unwrap() {
                all.push(batch);
                most = most.max(unpacker.plain.capacity());
            }
        }
        assert!(unpacker.is_through());
        (all, most)
    }

    #[test]
    fn whatever_the_pieces_the_same_comes_out() {
        for (count, bytes) in [(0, 0), (1, 1), (300, 7), (40, 100_000)] {
            let batches = batches(count, bytes);
            let packed = pack(&batches);
            for piece in [1, 3, 1_000, usize::MAX] {
                assert!(unpack(&packed, piece).0 == batches, "{count} x {bytes}");
            }
        }
    }

    #[test]
    fn memory_stays_flat_however_much_there_is() {
        // A hundred megabytes, which pack to next to nothing: one piece holds all of them.
        let batches = batches(6_400, 16 << 10);
        let packed = pack(&batches);
        let (all, most) = unpack(&packed, usize::MAX);
        assert_eq!(all.len(), 6_400);
        assert!(most <= 4 * STEP_BYTES, "{most} bytes");
    }

    #[test]
    fn what_is_cut_off_is_not_through() {
        let packed = pack(&batches(300, 70));
        let mut unpacker = Unpacker::new().unwrap();
        unpacker.push(Bytes::copy_from_slice(&packed[..packed.len() - 5]));
        while unpacker.next_batch().unwrap().is_some() {}
        assert!(!unpacker.is_through());
    }
}

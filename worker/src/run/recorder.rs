//! Turns what happens in an attempt into numbered chunks and batches for the log. Pure.
//!
//! The first chunk goes at once; after that a batch goes every [`SPACING`] or as soon as
//! [`FULL_BYTES`] wait. One batch is under way at a time, which keeps the order; what comes in
//! meanwhile is the next one. Every byte up to the cap is kept, none beyond it.
//!
//! Somebody who types waits for the answer: it goes without that spacing, and what was typed travels
//! with it.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use runlog_schemas::{
    Chunk, ChunkKind, Data, OutputBatch, OutputDigest, OutputStream, OutputSummary,
};

/// Time between the beginnings of two batches.
pub(crate) const SPACING: Duration = Duration::from_millis(5);
/// Bytes that are worth a batch before [`SPACING`] has passed.
pub(crate) const FULL_BYTES: usize = 16 << 10;
/// How long the news that a phase began, or that something was typed, may wait for output to travel
/// with. A program's first output, or its echo, usually comes within this time, and then both cost
/// one append.
pub(crate) const PATIENCE: Duration = Duration::from_millis(20);
/// Batches that go without [`SPACING`] after something was typed: a terminal's echo, and what the
/// program says to it.
const ANSWERS: u32 = 2;
/// Above this no more is taken from the program, which then waits.
const ROOM_BYTES: usize = 256 << 10;
/// The most that a batch may weigh; below the server's largest message of 1 MB.
const BATCH_WEIGHT: usize = 768 << 10;
/// The most bytes in one chunk.
const CHUNK_BYTES: usize = 64 << 10;

/// Whether output was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it.
    All,
    /// The cap was met just now; the rest was thrown away.
    CutNow,
    /// The cap had been met before; nothing was kept.
    Nothing,
}

/// How many bytes of output are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Of the compiler.
    pub compiler: usize,
    /// Of the program, on both streams together.
    pub program: usize,
}

/// The recording of one attempt, on its way to the log.
pub(crate) struct Recorder {
    attempt: u32,
    left: Caps,
    cut: bool,
    next_number: u64,
    waiting: VecDeque<Chunk>,
    waiting_bytes: usize,
    /// Whether a chunk waits that is worth a batch of its own; see [`travels`].
    urgent: bool,
    last_taken: Option<Duration>,
    /// Batches that may still go without [`SPACING`].
    answers: u32,
    under_way: bool,
    hurry: bool,
    first_output: Option<Duration>,
    digest: OutputDigest,
    last_sequence: Option<u64>,
}

impl Recorder {
    pub(crate) fn new(attempt: u32, caps: Caps) -> Self {
        Self {
            attempt,
            left: caps,
            cut: false,
            next_number: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            urgent: false,
            last_taken: None,
            answers: 0,
            under_way: false,
            hurry: false,
            first_output: None,
            digest: OutputDigest::default(),
            last_sequence: None,
        }
    }

    /// Takes bytes that were written at `at` since the start of the attempt.
    pub(crate) fn output(&mut self, at: Duration, stream: OutputStream, bytes: &[u8]) -> Kept {
        if self.cut {
            return Kept::Nothing;
        }
        if stream != OutputStream::Compiler && self.first_output.is_none() {
            self.first_output = Some(at);
        }
        let left = match stream {
            OutputStream::Compiler => &mut self.left.compiler,
            OutputStream::Stdout | OutputStream::Stderr => &mut self.left.program,
        };
        let (kept, rest) = bytes.split_at(bytes.len().min(*left));
        *left -= kept.len();
        for piece in kept.chunks(CHUNK_BYTES) {
            self.keep(at, stream, piece);
        }
        if rest.is_empty() {
            return Kept::All;
        }
        self.cut = true;
        self.push(at, ChunkKind::Cut);
        Kept::CutNow
    }

    /// Takes something other than output.
    pub(crate) fn push(&mut self, at: Duration, what: ChunkKind) {
        self.urgent |= !travels(&what);
        // Only where nothing went lately: who types without a pause, as a paste does, buys no more
        // batches by that.
        let typed = matches!(what, ChunkKind::Input { .. } | ChunkKind::Eof);
        if typed && self.last_taken.is_none_or(|last| last + SPACING <= at) {
            self.answers = ANSWERS;
        }
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        self.waiting.push_back(Chunk {
            number: self.next_number,
            at_us,
            what,
        });
        self.next_number += 1;
    }

    fn keep(&mut self, at: Duration, stream: OutputStream, bytes: &[u8]) {
        self.waiting_bytes += bytes.len();
        if let Some(data) = self.open_chunk(at, stream, bytes.len()) {
            data.extend_from_slice(bytes);
            return;
        }
        let data = Data(bytes.to_vec());
        self.push(
            at,
            match stream {
                OutputStream::Compiler => ChunkKind::Compiler { data },
                OutputStream::Stdout => ChunkKind::Stdout { data },
                OutputStream::Stderr => ChunkKind::Stderr { data },
            },
        );
    }

    /// The last chunk, where bytes of that stream may be added to it: a program that writes byte
    /// by byte must not cost a chunk for each.
    fn open_chunk(
        &mut self,
        at: Duration,
        stream: OutputStream,
        more: usize,
    ) -> Option<&mut Vec<u8>> {
        let last = self.waiting.back_mut()?;
        if at > Duration::from_micros(last.at_us) + SPACING {
            return None;
        }
        let data = match (&mut last.what, stream) {
            (ChunkKind::Compiler { data }, OutputStream::Compiler)
            | (ChunkKind::Stdout { data }, OutputStream::Stdout)
            | (ChunkKind::Stderr { data }, OutputStream::Stderr) => &mut data.0,
            _ => return None,
        };
        (data.len() + more <= CHUNK_BYTES).then_some(data)
    }

    /// Everything that waits goes as soon as it can: nothing more is to come for a while.
    pub(crate) fn hurry(&mut self) {
        self.hurry = true;
    }

    /// When the next batch should be taken; `None` while there is nothing to take or one is under
    /// way.
    pub(crate) fn due(&self) -> Option<Duration> {
        let first = self.waiting.front()?;
        if self.under_way {
            return None;
        }
        if self.hurry || self.waiting_bytes >= FULL_BYTES {
            return Some(Duration::ZERO);
        }
        let spaced = match self.last_taken {
            Some(last) if self.answers == 0 => last + SPACING,
            Some(_) | None => Duration::ZERO,
        };
        Some(if self.urgent {
            spaced
        } else {
            spaced.max(Duration::from_micros(first.at_us) + PATIENCE)
        })
    }

    /// The next batch, where one is due. It must be acknowledged before there is another.
    pub(crate) fn take(&mut self, now: Duration) -> Option<OutputBatch> {
        if self.due()? > now {
            return None;
        }
        let mut weight = 0;
        let mut count = 0;
        for chunk in &self.waiting {
            weight += weight_of(chunk);
            if count > 0 && weight > BATCH_WEIGHT {
                break;
            }
            count += 1;
        }
        let rest = self.waiting.split_off(count);
        let chunks: Vec<Chunk> = mem::replace(&mut self.waiting, rest).into();
        for chunk in &chunks {
            self.waiting_bytes -= output_bytes(chunk);
            self.digest.push(chunk);
        }
        if self.waiting.is_empty() {
            self.urgent = false;
            self.hurry = false;
        }
        self.answers = self.answers.saturating_sub(1);
        self.last_taken = Some(now);
        self.under_way = true;
        Some(OutputBatch {
            attempt: self.attempt,
            chunks,
        })
    }

    /// The batch that was under way is in the log.
    pub(crate) fn acknowledged(&mut self, sequence: u64) {
        self.under_way = false;
        self.last_sequence = Some(sequence);
    }

    /// Whether more output may be taken from the program.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting_bytes < ROOM_BYTES
    }

    /// Whether everything is in the log.
    pub(crate) fn is_drained(&self) -> bool {
        self.waiting.is_empty() && !self.under_way
    }

    /// When the program first wrote something.
    pub(crate) fn first_output(&self) -> Option<Duration> {
        self.first_output
    }

    /// What the recording comes to, as far as it is in the log.
    pub(crate) fn summary(&self) -> OutputSummary {
        self.digest.clone().finish(self.last_sequence)
    }
}

/// Whether it is worth no batch of its own, as output usually follows it at once.
const fn travels(what: &ChunkKind) -> bool {
    matches!(what, ChunkKind::Phase { .. } | ChunkKind::Input { .. })
}

fn output_bytes(chunk: &Chunk) -> usize {
    chunk.what.output().map_or(0, |(_, bytes)| bytes.len())
}

/// The most that a chunk can take in JSON: a control character becomes six bytes.
fn weight_of(chunk: &Chunk) -> usize {
    let bytes = match &chunk.what {
        ChunkKind::Input { data } => data.0.len(),
        // Nearly always base64, which has its size whatever the bytes are.
        ChunkKind::FileData { data } if std::str::from_utf8(&data.0).is_err() => {
            return 96 + data.0.len().div_ceil(3) * 4;
        }
        ChunkKind::FileData { data } => data.0.len(),
        ChunkKind::File { name, .. } => name.len(),
        ChunkKind::FilesLeft { left, .. } => left.iter().map(|it| it.name.len() + 32).sum(),
        _ => output_bytes(chunk),
    };
    96 + 6 * bytes
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;

//! What must hold for the output of one attempt. Pure.

use runlog_schemas::{Chunk, OutputBatch, OutputDigest, OutputSummary, StreamSummary};

use crate::digest::{Digest, Sum};
use crate::finding::{Rule, Violation};

/// Follows the messages of one attempt's output.
#[derive(Clone, Debug)]
pub struct Recording {
    attempt: u32,
    next: u64,
    gap: Option<(u64, u64)>,
    digest: OutputDigest,
    sum: Sum,
}

/// What a recording comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) summary: OutputSummary,
    /// Of every chunk with its time and number.
    pub(crate) chunks: Digest,
    /// Chunks that are not there, the first and the one behind the last.
    pub(crate) gap: Option<(u64, u64)>,
}

impl Recording {
    /// The output of that attempt.
    #[must_use]
    pub fn new(attempt: u32) -> Self {
        Self {
            attempt,
            next: 0,
            gap: None,
            digest: OutputDigest::default(),
            sum: Sum::default(),
        }
    }

    /// Takes the next message. What is of another attempt does not count, nor do chunks that were
    /// there before: an append that went unanswered may stand there twice.
    pub fn push(&mut self, batch: &OutputBatch) {
        if batch.attempt != self.attempt {
            return;
        }
        for chunk in &batch.chunks {
            self.take(chunk);
        }
    }

    fn take(&mut self, chunk: &Chunk) {
        if chunk.number < self.next {
            return;
        }
        if chunk.number > self.next && self.gap.is_none() {
            self.gap = Some((self.next, chunk.number));
        }
        self.next = chunk.number + 1;
        self.digest.push(chunk);
        let json = serde_json::to_vec(chunk).expect("our types have string keys only");
        self.sum.push(&json);
    }

    pub(crate) fn total(self, last_sequence: Option<u64>) -> Total {
        Total {
            summary: self.digest.finish(last_sequence),
            chunks: self.sum.finish(),
            gap: self.gap,
        }
    }

    /// Compares everything that came with what the terminal event says.
    #[must_use]
    pub fn finish(self, told: &OutputSummary) -> Option<Violation> {
        self.total(told.last_sequence).compare(told)
    }
}

impl Total {
    /// What is wrong with it, where it is not what was told.
    pub(crate) fn compare(&self, told: &OutputSummary) -> Option<Violation> {
        if let Some((from, to)) = self.gap {
            let words = format!("chunks {from} to {} are missing", to - 1);
            return Some(Violation::of(Rule::ChunkGap, words));
        }
        if self.summary == *told {
            return None;
        }
        let found = &self.summary;
        let words = if found.chunks != told.chunks {
            let (found, told) = (found.chunks, told.chunks);
            format!("there are {found} chunks, the terminal event names {told}")
        } else if found.cut != told.cut {
            "the chunks and the terminal event differ in whether output was cut off".to_owned()
        } else {
            let streams = [
                ("the compiler's output", &found.compiler, &told.compiler),
                ("standard output", &found.stdout, &told.stdout),
                ("standard error", &found.stderr, &told.stderr),
            ];
            let differing = streams.iter().find(|(_, found, told)| found != told);
            differing.map_or_else(
                || "the summary differs".to_owned(),
                |(name, found, told)| differs(name, found, told),
            )
        };
        Some(Violation::of(Rule::Output, words))
    }
}

fn differs(name: &str, found: &StreamSummary, told: &StreamSummary) -> String {
    format!(
        "{name} has {} bytes with SHA-256 {}, the terminal event names {} bytes with {}",
        found.bytes, found.sha256, told.bytes, told.sha256
    )
}

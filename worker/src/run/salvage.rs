//! What the log has of the output of an attempt whose worker is lost.

use futures_util::TryStreamExt as _;
use runlog_nats::{Freshness, Log, ReadError};
use runlog_schemas::{ExecutionId, OutputBatch, OutputDigest, OutputSummary};

/// Adds up one attempt's output, as readers of the log will see it.
pub(super) async fn summary(
    log: &Log,
    id: ExecutionId,
    attempt: u32,
) -> Result<OutputSummary, ReadError> {
    let batches = log.read_output(id, 0, Freshness::Leader);
    let salvage = batches
        .try_fold(
            Salvage::new(attempt),
            async |mut salvage, (sequence, batch)| {
                salvage.push(sequence, &batch);
                Ok(salvage)
            },
        )
        .await?;
    Ok(salvage.finish())
}

/// The sum of what the log has of one attempt. Pure.
pub struct Salvage {
    attempt: u32,
    next_chunk: u64,
    last_sequence: Option<u64>,
    digest: OutputDigest,
}

impl Salvage {
    /// Of that attempt.
    #[must_use]
    pub fn new(attempt: u32) -> Self {
        Self {
            attempt,
            next_chunk: 0,
            last_sequence: None,
            digest: OutputDigest::default(),
        }
    }

    /// Takes the next message of the execution's output.
    pub fn push(&mut self, sequence: u64, batch: &OutputBatch) {
        if batch.attempt != self.attempt {
            return;
        }
        self.last_sequence = Some(sequence);
        // An append that went unanswered may stand there twice.
        for chunk in &batch.chunks {
            if chunk.number >= self.next_chunk {
                self.next_chunk = chunk.number + 1;
                self.digest.push(chunk);
            }
        }
    }

    /// What the terminal event tells of it.
    #[must_use]
    pub fn finish(self) -> OutputSummary {
        self.digest.finish(self.last_sequence)
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Chunk, ChunkKind};

    use super::*;

    fn batch(attempt: u32, numbers: &[u64]) -> OutputBatch {
        let chunk = |number: &u64| Chunk {
            number: *number,
            at_us: 0,
            what: ChunkKind::Stdout { data: "x".into() },
        };
        OutputBatch {
            attempt,
            chunks: numbers.iter().map(chunk).collect(),
        }
    }

    #[test]
    fn repeated_chunks_and_other_attempts_do_not_count() {
        let mut salvage = Salvage::new(2);
        for (sequence, batch) in [
            (1, batch(1, &[0, 1, 2])),
            (2, batch(2, &[0, 1])),
            (3, batch(2, &[0, 1])),
            (4, batch(2, &[1, 2])),
            (5, batch(1, &[3])),
        ] {
            salvage.push(sequence, &batch);
        }
        let summary = salvage.finish();
        assert_eq!((summary.chunks, summary.stdout.bytes), (3, 3));
        assert_eq!(summary.last_sequence, Some(4));
    }
}

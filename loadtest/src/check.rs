//! What must be right: every chunk once and in order, one end, and an end that agrees with them.

use anyhow::{Context as _, ensure};
use runlog_schemas::api::{ExecutionView, Status, ViewerMessage};
use runlog_schemas::{ChunkKind, Outcome, OutputDigest};

/// A viewer that believes nothing.
#[derive(Debug, Default)]
pub(crate) struct Viewer {
    next_chunk: u64,
    digest: OutputDigest,
    stdout: Vec<u8>,
    end: Option<Box<ExecutionView>>,
}

impl Viewer {
    /// Takes the next message; `true` with the terminal event.
    pub(crate) fn on(&mut self, message: &ViewerMessage) -> anyhow::Result<bool> {
        ensure!(self.end.is_none(), "a message behind the terminal event");
        match message {
            ViewerMessage::Output { batch, .. } => {
                ensure!(batch.attempt == 1, "attempt {}", batch.attempt);
                for chunk in &batch.chunks {
                    let (number, expected) = (chunk.number, self.next_chunk);
                    ensure!(number == expected, "chunk {number} instead of {expected}");
                    self.next_chunk += 1;
                    self.digest.push(chunk);
                    if let ChunkKind::Stdout { data } = &chunk.what {
                        self.stdout.extend_from_slice(&data.0);
                    }
                }
            }
            ViewerMessage::Event { execution, .. } if execution.status == Status::Ended => {
                self.end = Some(execution.clone());
                return Ok(true);
            }
            ViewerMessage::Event { .. } => {}
            ViewerMessage::Error { code, .. } => anyhow::bail!("an error: {code}"),
            ViewerMessage::Resume { .. } => anyhow::bail!("a resume that was not followed"),
        }
        Ok(false)
    }

    /// Looks whether the end agrees with what was seen, and gives the program's output.
    pub(crate) fn finish(self) -> anyhow::Result<(Box<ExecutionView>, Vec<u8>)> {
        let end = self.end.context("no terminal event")?;
        success(&end)?;
        let told = end.output.as_ref().context("an end without output")?;
        let seen = self.digest.finish(told.last_sequence);
        ensure!(
            *told == seen,
            "the end tells of {told:?}, seen was {seen:?}"
        );
        Ok((end, self.stdout))
    }
}

/// Looks whether a program ended by itself and well, at the first attempt.
pub(crate) fn success(end: &ExecutionView) -> anyhow::Result<()> {
    ensure!(
        end.outcome == Some(Outcome::Exited { code: 0 }),
        "execution {} ended as {:?}",
        end.id,
        end.outcome
    );
    ensure!(end.attempts.len() == 1, "{} attempts", end.attempts.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Chunk, Data, OutputBatch};

    use super::*;

    fn output(number: u64) -> ViewerMessage {
        ViewerMessage::Output {
            cursor: String::new(),
            batch: OutputBatch {
                attempt: 1,
                chunks: vec![Chunk {
                    number,
                    at_us: 0,
                    what: ChunkKind::Stdout {
                        data: Data::from("x"),
                    },
                }],
            },
        }
    }

    #[test]
    fn a_lost_or_repeated_chunk_is_seen() {
        let mut viewer = Viewer::default();
        viewer.on(&output(0)).unwrap();
        assert!(viewer.on(&output(2)).is_err());
        let mut viewer = Viewer::default();
        viewer.on(&output(0)).unwrap();
        assert!(viewer.on(&output(0)).is_err());
    }

    #[test]
    fn a_missing_end_is_seen() {
        let mut viewer = Viewer::default();
        viewer.on(&output(0)).unwrap();
        assert!(viewer.finish().is_err());
    }
}

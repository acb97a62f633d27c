//! A recording, put together from the messages of the stream `OUTPUT`. No I/O.

use std::io::{self, Write as _};

use runlog_schemas::{ExecutionId, OutputBatch, OutputDigest, OutputSummary, StreamSummary};
use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;
use zstd::stream::write::Encoder;

use crate::store::COMPRESSION_LEVEL;

/// Lines that are compressed in one go; more of them go through as they come. A stream's compressor
/// takes megabytes, and so much time to prepare as a hundred small recordings to compress.
const IN_ONE_GO: usize = 256 << 10;

/// What the table `recordings` holds of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recording {
    /// The attempt that it is of.
    pub(crate) attempt: u32,
    /// Chunks in the body.
    pub(crate) chunks: u64,
    /// Bytes of output in the body.
    pub(crate) bytes: u64,
    /// What is wrong with it, where it is not what the terminal event names.
    pub(crate) problem: Option<String>,
    /// Compressed JSON lines; empty where they stand in the object store.
    pub(crate) body: Vec<u8>,
    /// The object that has them.
    pub(crate) object: Option<String>,
}

/// Takes messages as they stand in the log. The same messages give the same body, byte for byte.
pub(crate) struct Recorder {
    attempt: u32,
    /// The number of the next chunk.
    next: u64,
    /// The first chunk that is not there, and the first behind it.
    gap: Option<(u64, u64)>,
    digest: OutputDigest,
    lines: Lines,
}

/// JSON lines on their way to the body.
enum Lines {
    Plain(Vec<u8>),
    Compressed(Encoder<'static, Vec<u8>>),
}

impl Recorder {
    /// For the attempt that ended the execution.
    pub(crate) fn new(attempt: u32) -> Self {
        Self {
            attempt,
            next: 0,
            gap: None,
            digest: OutputDigest::default(),
            lines: Lines::Plain(Vec::new()),
        }
    }

    /// Takes the next message. What belongs to another attempt or was there before is dropped: a
    /// worker whose append went unanswered may have written it twice.
    pub(crate) fn push(&mut self, mut batch: OutputBatch) -> io::Result<()> {
        if batch.attempt != self.attempt {
            return Ok(());
        }
        batch.chunks.retain(|chunk| chunk.number >= self.next);
        let (Some(first), Some(last)) = (batch.chunks.first(), batch.chunks.last()) else {
            return Ok(());
        };
        if first.number > self.next && self.gap.is_none() {
            self.gap = Some((self.next, first.number));
        }
        self.next = last.number + 1;
        for chunk in &batch.chunks {
            self.digest.push(chunk);
        }
        self.lines.push(&batch)
    }

    /// Compares what came with what the terminal event says.
    pub(crate) fn finish(
        self,
        expected: &OutputSummary,
        compressor: &mut Compressor<'static>,
    ) -> io::Result<Recording> {
        let found = self.digest.finish(expected.last_sequence);
        Ok(Recording {
            attempt: self.attempt,
            chunks: found.chunks,
            bytes: found.compiler.bytes + found.stdout.bytes + found.stderr.bytes,
            problem: problem(&found, expected, self.gap),
            body: self.lines.finish(compressor)?,
            object: None,
        })
    }
}

impl Lines {
    fn push(&mut self, batch: &OutputBatch) -> io::Result<()> {
        match self {
            Self::Plain(lines) => {
                serde_json::to_writer(&mut *lines, batch)?;
                lines.push(b'\n');
                if lines.len() > IN_ONE_GO {
                    let mut encoder = Encoder::new(Vec::new(), COMPRESSION_LEVEL)?;
                    encoder.write_all(lines)?;
                    *self = Self::Compressed(encoder);
                }
                Ok(())
            }
            Self::Compressed(encoder) => {
                // One write for each line, so that the cut of the pages that were read shows
                // nowhere.
                let mut line = serde_json::to_vec(batch)?;
                line.push(b'\n');
                encoder.write_all(&line)
            }
        }
    }

    fn finish(self, compressor: &mut Compressor<'static>) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(lines) => compressor.compress(&lines),
            Self::Compressed(encoder) => encoder.finish(),
        }
    }
}

impl Recording {
    /// The name of an object with this body: the same body has the same one.
    pub(crate) fn object_name(&self, id: ExecutionId) -> String {
        let digest = Sha256::digest(&self.body);
        let short: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{id}-{short}")
    }

    /// Leaves the body to the object store.
    pub(crate) fn move_to(&mut self, object: String) {
        self.body = Vec::new();
        self.object = Some(object);
    }
}

/// The execution that an object of that name is of.
pub(crate) fn execution_of(object_name: &str) -> Option<ExecutionId> {
    object_name.rsplit_once('-')?.0.parse().ok()
}

fn problem(
    found: &OutputSummary,
    expected: &OutputSummary,
    gap: Option<(u64, u64)>,
) -> Option<String> {
    if found == expected {
        return None;
    }
    if found.chunks < expected.chunks {
        let (from, to) = gap.unwrap_or((found.chunks, expected.chunks));
        return Some(format!(
            "{} of {} chunks have left the log, the first of them {from} to {}",
            expected.chunks - found.chunks,
            expected.chunks,
            to.max(from + 1) - 1,
        ));
    }
    if found.chunks > expected.chunks {
        return Some(format!(
            "the log has {} chunks, the terminal event names {}",
            found.chunks, expected.chunks
        ));
    }
    let streams = [
        ("the compiler's output", &found.compiler, &expected.compiler),
        ("standard output", &found.stdout, &expected.stdout),
        ("standard error", &found.stderr, &expected.stderr),
    ];
    let differing = streams
        .iter()
        .find(|(_, found, expected)| found != expected);
    Some(differing.map_or_else(
        || "the log and the terminal event differ in whether output was cut off".to_owned(),
        |(name, found, expected)| differs(name, found, expected),
    ))
}

fn differs(name: &str, found: &StreamSummary, expected: &StreamSummary) -> String {
    format!(
        "{name} has {} bytes with SHA-256 {} in the log, the terminal event names {} bytes with {}",
        found.bytes, found.sha256, expected.bytes, expected.sha256
    )
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Chunk, ChunkKind, Data};

    use super::*;

    fn batch(attempt: u32, numbers: std::ops::Range<u64>) -> OutputBatch {
        let chunk = |number| Chunk {
            number,
            at_us: number * 7,
            what: ChunkKind::Stdout {
                data: Data(vec![b'a', 0xff, u8::try_from(number % 256).unwrap()]),
            },
        };
        OutputBatch {
            attempt,
            chunks: numbers.map(chunk).collect(),
        }
    }

    fn summary(batches: &[OutputBatch]) -> OutputSummary {
        let mut digest = OutputDigest::default();
        for chunk in batches.iter().flat_map(|batch| &batch.chunks) {
            digest.push(chunk);
        }
        digest.finish(Some(9))
    }

    fn record(batches: &[OutputBatch], expected: &OutputSummary) -> Recording {
        let mut recorder = Recorder::new(2);
        for batch in batches {
            recorder.push(batch.clone()).unwrap();
        }
        let mut compressor = Compressor::new(COMPRESSION_LEVEL).unwrap();
        recorder.finish(expected, &mut compressor).unwrap()
    }

    fn lines(recording: &Recording) -> Vec<OutputBatch> {
        let text = zstd::decode_all(recording.body.as_slice()).unwrap();
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn repetitions_and_other_attempts_leave_no_trace() {
        let clean = [batch(2, 0..3), batch(2, 3..5)];
        let expected = summary(&clean);
        let messy = [
            batch(1, 0..4),
            batch(2, 0..3),
            batch(2, 0..3),
            batch(2, 1..5),
            batch(1, 4..9),
            batch(3, 0..1),
        ];
        let recording = record(&messy, &expected);
        assert_eq!(recording, record(&clean, &expected));
        assert_eq!(recording.problem, None);
        assert_eq!((recording.chunks, recording.bytes), (5, 15));
        assert_eq!(lines(&recording), clean);
    }

    #[test]
    fn what_has_left_the_log_is_said() {
        let all = [batch(2, 0..3), batch(2, 3..5), batch(2, 5..6)];
        let expected = summary(&all);
        let problem = |batches: &[OutputBatch]| record(batches, &expected).problem.unwrap();
        assert_eq!(
            problem(&[]),
            "6 of 6 chunks have left the log, the first of them 0 to 5"
        );
        assert_eq!(
            problem(&all[1..]),
            "3 of 6 chunks have left the log, the first of them 0 to 2"
        );
        assert_eq!(
            problem(&all[..2]),
            "1 of 6 chunks have left the log, the first of them 5 to 5"
        );
    }

    #[test]
    fn other_bytes_than_promised_are_said() {
        let all = [batch(2, 0..3)];
        let mut expected = summary(&all);
        expected.stdout.sha256 = "0".repeat(64);
        let problem = record(&all, &expected).problem.unwrap();
        assert!(
            problem.starts_with("standard output has 9 bytes"),
            "{problem}"
        );
        expected = summary(&all);
        expected.cut = true;
        let problem = record(&all, &expected).problem.unwrap();
        assert!(problem.ends_with("cut off"), "{problem}");
    }

    #[test]
    fn long_ones_are_the_same_lines() {
        let long: Vec<_> = (0..9_000)
            .map(|number| batch(2, 3 * number..3 * number + 3))
            .collect();
        let expected = summary(&long);
        let recording = record(&long, &expected);
        assert_eq!(recording.problem, None);
        assert!(recording.body.len() > 1_000);
        assert_eq!(lines(&recording), long);
    }

    #[test]
    fn an_object_is_named_after_its_execution() {
        let id = ExecutionId::from_uuid(uuid::Uuid::from_u128(7 << 76 | 2 << 62 | 5));
        let recording = record(&[batch(2, 0..3)], &OutputSummary::default());
        assert_eq!(execution_of(&recording.object_name(id)), Some(id));
        assert_eq!(execution_of("x"), None);
    }

    #[test]
    fn nothing_is_a_recording_too() {
        let recording = record(&[], &OutputSummary::default());
        assert_eq!(recording.problem, None);
        assert!(lines(&recording).is_empty());
    }
}

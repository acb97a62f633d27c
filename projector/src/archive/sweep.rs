//! Reads many recordings in one go: the stream `OUTPUT` from the first to the last of them, which
//! costs a fraction of asking for one after the other where they stand close together.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use runlog_nats::{Log, RawMessage};
use runlog_schemas::subject::{self, Subject};
use runlog_schemas::{ExecutionId, decode_output};
use zstd::bulk::Compressor;

use super::recording::Recorder;
use super::{Pending, Recording, output_bytes};
use crate::Error;
use crate::store::COMPRESSION_LEVEL;

/// So few recordings are not worth it.
const WORTH: usize = 64;
/// Messages between the ends of two recordings that are read together, at most; and how far before
/// its end the first of them is looked for.
const GAP: u64 = 512;
/// Larger recordings, in bytes of output, are read alone.
const SMALL_BYTES: u32 = 64 << 10;
/// What a small recording takes in memory besides its output, in bytes.
const OVERHEAD_BYTES: u32 = 2 << 10;

/// Recordings whose ends stand close together.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    wanted: HashMap<ExecutionId, Pending>,
    first: u64,
    last: u64,
    bytes: u32,
}

/// What came of a sweep.
#[derive(Default)]
pub(super) struct Swept {
    /// Recordings that are complete.
    pub(super) recordings: Vec<(ExecutionId, Recording)>,
    /// Those that must be read alone: they begin earlier, or something is wrong with them.
    pub(super) alone: Vec<Pending>,
}

/// Divides recordings into sweeps of at most so many bytes each, and those to be read alone.
pub(super) fn divide(
    pending: Vec<Pending>,
    first_output: u64,
    most_bytes: u32,
) -> (Vec<Sweep>, Vec<Pending>) {
    let mut alone = Vec::new();
    let mut near = Vec::new();
    for it in pending {
        let small = output_bytes(&it.output) <= SMALL_BYTES;
        match it.output.last_sequence {
            Some(last) if small && last >= first_output => near.push((last, it)),
            Some(_) | None => alone.push(it),
        }
    }
    near.sort_unstable_by_key(|(last, _)| *last);
    let mut sweeps: Vec<Sweep> = Vec::new();
    for (last, it) in near {
        let bytes = output_bytes(&it.output) + OVERHEAD_BYTES;
        let sweep = match sweeps.last_mut() {
            Some(sweep) if sweep.takes(last, bytes, most_bytes) => sweep,
            _ => {
                sweeps.push(Sweep {
                    first: last.saturating_sub(GAP).max(first_output),
                    ..Sweep::default()
                });
                sweeps.last_mut().expect("one was just pushed")
            }
        };
        sweep.last = last;
        sweep.bytes += bytes;
        sweep.wanted.insert(it.id, it);
    }
    let (worth, not): (Vec<_>, Vec<_>) = sweeps.into_iter().partition(|it| it.len() >= WORTH);
    alone.extend(not.into_iter().flat_map(|it| it.wanted.into_values()));
    (worth, alone)
}

impl Sweep {
    fn takes(&self, last: u64, bytes: u32, most_bytes: u32) -> bool {
        last - self.last <= GAP && self.bytes.saturating_add(bytes) <= most_bytes
    }

    /// How many recordings.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// What its recordings take in memory, in bytes.
    pub(super) const fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Reads them.
    pub(super) async fn read(mut self, log: &Log) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let mut open = HashMap::with_capacity(self.len());
        let mut compressor = Compressor::new(COMPRESSION_LEVEL).map_err(Error::Compression)?;
        let mut pages = pin!(log.scan(subject::OUTPUT, self.first, self.last));
        while let Some(page) = pages.try_next().await? {
            for message in &page {
                self.take(message, &mut open, &mut compressor, &mut swept)?;
            }
        }
        swept.alone.extend(self.wanted.into_values());
        Ok(swept)
    }

    fn take(
        &mut self,
        message: &RawMessage,
        open: &mut HashMap<ExecutionId, Recorder>,
        compressor: &mut Compressor<'static>,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        let Some(Subject::Output(id)) = Subject::parse(&message.subject) else {
            return Ok(());
        };
        let Some(pending) = self.wanted.get(&id) else {
            return Ok(());
        };
        let recorder = open
            .entry(id)
            .or_insert_with(|| Recorder::new(pending.attempt));
        let Ok(batch) = decode_output(&message.payload) else {
            // Who reads it alone says what is wrong with it.
            swept.alone.extend(self.wanted.remove(&id));
            return Ok(());
        };
        recorder.push(batch).map_err(Error::Compression)?;
        if pending.output.last_sequence == Some(message.sequence)
            && let Some(pending) = self.wanted.remove(&id)
            && let Some(recorder) = open.remove(&id)
        {
            let recording = recorder
                .finish(&pending.output, compressor)
                .map_err(Error::Compression)?;
            if recording.problem.is_none() {
                swept.recordings.push((id, recording));
            } else {
                swept.alone.push(pending);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{OutputSummary, StreamSummary};

    use super::*;

    fn pending(number: u128, last_sequence: Option<u64>, bytes: u64) -> Pending {
        let stdout = StreamSummary {
            bytes,
            ..StreamSummary::default()
        };
        Pending {
            id: ExecutionId::from_uuid(uuid::Uuid::from_u128(number)),
            attempt: 1,
            output: OutputSummary {
                last_sequence,
                stdout,
                ..OutputSummary::default()
            },
        }
    }

    fn lengths(sweeps: &[Sweep]) -> Vec<(usize, u64, u64)> {
        let of = |it: &Sweep| (it.len(), it.first, it.last);
        sweeps.iter().map(of).collect()
    }

    #[test]
    fn what_stands_close_together_is_read_together() {
        let near = (0..100).map(|it| pending(it, Some(1_000 + 3 * u64::try_from(it).unwrap()), 9));
        let far = (100..180).map(|it| pending(it, Some(9_000), 9));
        let (sweeps, alone) = divide(near.chain(far).collect(), 1, u32::MAX);
        assert_eq!(lengths(&sweeps), [(100, 488, 1_297), (80, 8_488, 9_000)]);
        assert!(alone.is_empty());
    }

    #[test]
    fn few_large_and_silent_ones_are_read_alone() {
        let few = (0..40).map(|it| pending(it, Some(500), 9));
        let large = (100..200).map(|it| pending(it, Some(2_000), 1 << 20));
        let silent = (200..300).map(|it| pending(it, None, 0));
        let gone = (300..400).map(|it| pending(it, Some(1), 9));
        let all = few.chain(large).chain(silent).chain(gone).collect();
        let (sweeps, alone) = divide(all, 10, u32::MAX);
        assert_eq!((sweeps.len(), alone.len()), (0, 340));
    }

    #[test]
    fn a_sweep_has_a_bound() {
        let many = (0..300).map(|it| pending(it, Some(5_000), 1_000)).collect();
        let (sweeps, alone) = divide(many, 1, 100 * (OVERHEAD_BYTES + 1_000));
        assert_eq!(lengths(&sweeps), [(100, 4_488, 5_000); 3]);
        assert!(alone.is_empty());
    }
}

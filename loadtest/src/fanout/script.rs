//! What the events of an execution say, read once for all viewers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use runlog_client::sse::Frame;
use runlog_schemas::ChunkKind;
use runlog_schemas::api::{Status, ViewerMessage};

use crate::stats::Samples;

/// What the events say.
#[derive(Default)]
pub(super) struct Script {
    events: Mutex<HashMap<String, Arc<Said>>>,
    shown: Mutex<Shown>,
}

/// What all viewers together have seen.
struct Shown {
    /// What the program printed, as far as the first viewer has come.
    stdout: Vec<u8>,
    /// From write to viewer, every line at every viewer.
    samples: Samples,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            stdout: Vec::new(),
            samples: Samples::new(),
        }
    }
}

/// One event.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Number of its first chunk.
    pub(super) first: u64,
    /// How many chunks it has.
    pub(super) chunks: u64,
    /// What the program printed.
    pub(super) stdout: Vec<u8>,
    /// When its lines were written.
    written: Vec<Duration>,
    /// Whether it is the terminal event.
    pub(super) end: bool,
    /// Where to resume, where the edge asks for that.
    pub(super) resume: Option<String>,
}

impl Script {
    /// What an event says.
    pub(super) fn read(&self, frame: &Frame) -> anyhow::Result<Arc<Said>> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = events.get(&frame.data) {
            return Ok(Arc::clone(said));
        }
        let said = Arc::new(Said::of(&serde_json::from_str(&frame.data)?)?);
        events.insert(frame.data.clone(), Arc::clone(&said));
        Ok(said)
    }

    /// Compares an event's bytes with what others saw at the same place; the first one there
    /// writes them down.
    pub(super) fn compare(
        &self,
        position: usize,
        said: &Said,
        now: Duration,
    ) -> anyhow::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let there = shown.stdout.len().checked_sub(position);
        let there = there.context("a viewer came to a place that nobody wrote")?;
        let known = there.min(said.stdout.len());
        let same = shown.stdout[position..][..known] == said.stdout[..known];
        ensure!(same, "two viewers saw different bytes");
        shown.stdout.extend_from_slice(&said.stdout[known..]);
        for written in &said.written {
            shown.samples.record(now.saturating_sub(*written));
        }
        Ok(())
    }

    /// The bytes that all saw, and how long each line took to each viewer.
    pub(super) fn seen(&self) -> (Vec<u8>, Samples) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        (shown.stdout.clone(), shown.samples.clone())
    }
}

impl Said {
    fn of(message: &ViewerMessage) -> anyhow::Result<Self> {
        let mut said = Self::default();
        match message {
            ViewerMessage::Output { batch, .. } => {
                said.first = batch.chunks.first().context("no chunks")?.number;
                said.chunks = batch.chunks.len() as u64;
                for chunk in &batch.chunks {
                    if let ChunkKind::Stdout { data } = &chunk.what {
                        said.stdout.extend_from_slice(&data.0);
                    }
                }
                for line in std::str::from_utf8(&said.stdout)?.lines() {
                    let written = line.split(' ').nth(1).context("a line without its time")?;
                    said.written.push(Duration::from_nanos(written.parse()?));
                }
            }
            ViewerMessage::Event { execution, .. } => {
                said.end = execution.status == Status::Ended;
            }
            ViewerMessage::Resume { cursor } => said.resume = Some(cursor.clone()),
            ViewerMessage::Error { code, .. } => bail!("an error: {code}"),
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stdout: &str) -> Said {
        Said {
            stdout: stdout.as_bytes().to_vec(),
            ..Said::default()
        }
    }

    #[test]
    fn viewers_who_see_different_bytes_are_found() {
        let script = Script::default();
        script.compare(0, &said("abc"), Duration::ZERO).unwrap();
        script.compare(0, &said("ab"), Duration::ZERO).unwrap();
        script.compare(2, &said("cd"), Duration::ZERO).unwrap();
        assert!(script.compare(0, &said("ax"), Duration::ZERO).is_err());
        assert!(script.compare(9, &said("x"), Duration::ZERO).is_err());
        assert_eq!(script.seen().0, b"abcd");
    }
}

//! Somebody who watches, and what they have on their screen.

use runlog_schemas::{
    Change, Chunk, Cursor, ExecutionEvent, ExecutionId, Item, OutputBatch, Shown, Timeline,
};

use crate::log::MemoryLog;

/// A viewer of one execution.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) id: ExecutionId,
    timeline: Timeline,
    /// How many messages of each stream this connection has brought.
    lifecycle: usize,
    recording: usize,
    pub(crate) cursor: Cursor,
    /// What is on the screen.
    pub(crate) events: Vec<ExecutionEvent>,
    pub(crate) chunks: Vec<Chunk>,
    attempt: Option<u32>,
}

impl Viewer {
    pub(crate) fn new(id: ExecutionId) -> Self {
        Self {
            id,
            timeline: Timeline::default(),
            lifecycle: 0,
            recording: 0,
            cursor: Cursor::default(),
            events: Vec::new(),
            chunks: Vec::new(),
            attempt: None,
        }
    }

    /// Comes back to where it was; the log is read again from its beginning.
    pub(crate) fn reconnect(&mut self, forgetful: bool) {
        let mut from = self.cursor;
        if forgetful {
            from.chunk = 0;
        }
        self.timeline = Timeline::resumed(from);
        (self.lifecycle, self.recording) = (0, 0);
    }

    /// Hears the next message of a stream; `false` where there is none.
    pub(crate) fn hear(&mut self, log: &MemoryLog, lifecycle: bool) -> Result<bool, String> {
        let shown = if lifecycle {
            let Some((sequence, event)) = log.events(self.id).into_iter().nth(self.lifecycle)
            else {
                return Ok(false);
            };
            self.lifecycle += 1;
            self.timeline.push_event(sequence, event)
        } else {
            let Some((sequence, batch)) = log.read_output(self.id).into_iter().nth(self.recording)
            else {
                return Ok(false);
            };
            self.recording += 1;
            self.timeline.push_output(sequence, batch)
        };
        for shown in shown {
            self.see(shown)?;
        }
        Ok(true)
    }

    fn see(&mut self, shown: Shown) -> Result<(), String> {
        self.cursor = shown.cursor;
        match shown.item {
            Item::Event(event) => {
                if let Change::Started { attempt, .. } = event.change {
                    self.attempt = Some(attempt);
                    self.chunks.clear();
                } else if matches!(event.change, Change::Retried { .. }) {
                    self.attempt = None;
                    self.chunks.clear();
                }
                self.events.push(event);
                Ok(())
            }
            Item::Output(batch) => self.see_output(batch),
        }
    }

    fn see_output(&mut self, batch: OutputBatch) -> Result<(), String> {
        let id = self.id;
        if self.attempt != Some(batch.attempt) {
            return Err(format!(
                "a viewer of {id} saw output of attempt {} while {:?} ran",
                batch.attempt, self.attempt
            ));
        }
        for chunk in batch.chunks {
            let expected = self.chunks.len() as u64;
            if chunk.number != expected {
                return Err(format!(
                    "a viewer of {id} saw chunk {} instead of {expected}",
                    chunk.number
                ));
            }
            self.chunks.push(chunk);
        }
        Ok(())
    }
}

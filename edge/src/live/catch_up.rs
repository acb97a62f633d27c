//! Reads for one viewer, at the viewer's pace, what happened before it came: from the log, or
//! from a recording where the log no longer has it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use runlog_nats::{Freshness, Log, ReadError};
use runlog_schemas::{
    Change, Cursor, ExecutionEvent, ExecutionId, Item, OutputBatch, Shown, Timeline,
};
use tokio::time::sleep;

use super::frame::Frame;

/// Pause before a read is tried again.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Output with its sequences.
pub(super) type Batches = Pin<Box<dyn Stream<Item = Result<(u64, OutputBatch), ReadError>> + Send>>;

/// Events with their sequences.
pub(crate) type Lifecycle = Vec<(u64, ExecutionEvent)>;

/// A private reading of one execution.
pub(super) struct CatchUp {
    id: ExecutionId,
    from: Cursor,
    timeline: Timeline,
    /// Where more is read; `None`: what was given is all.
    log: Option<Log>,
    /// The output of this round; `None` before it.
    output: Option<Batches>,
    ready: VecDeque<Frame>,
    /// Cursor of the last thing that was handed out.
    shown: Cursor,
    /// Whether to go on where output is missing.
    with_holes: bool,
}

/// What a reading comes to next.
#[derive(Debug)]
pub(super) enum Step {
    /// Something to show.
    Frame(Frame),
    /// Here output is missing.
    Hole,
    /// That is all that there is now.
    Round,
    /// The execution has ended and everything was shown.
    Over,
}

impl CatchUp {
    /// Reads the log behind `from`. The lifecycle has been read already, from its beginning.
    pub(super) fn of_log(log: Log, id: ExecutionId, from: Cursor, lifecycle: Lifecycle) -> Self {
        let output = log.read_output(id, from.output, Freshness::Leader);
        Self::new(id, from, lifecycle, Some(log), Box::pin(output))
    }

    /// Plays what has been kept of an execution that has ended. Messages of a recording have lost
    /// their sequences, so whoever goes on elsewhere is sent back to `from` in the output; what
    /// comes twice is dropped by its chunks' numbers.
    pub(super) fn of_recording(
        id: ExecutionId,
        from: Cursor,
        lifecycle: Lifecycle,
        batches: Batches,
    ) -> Self {
        Self::new(id, from, lifecycle, None, batches)
    }

    fn new(
        id: ExecutionId,
        from: Cursor,
        lifecycle: Lifecycle,
        log: Option<Log>,
        output: Batches,
    ) -> Self {
        let resumed = match log {
            Some(_) => from,
            None => Cursor { output: 0, ..from },
        };
        let mut catch_up = Self {
            id,
            from,
            timeline: Timeline::resumed(resumed),
            log,
            output: Some(output),
            ready: VecDeque::new(),
            shown: from,
            with_holes: false,
        };
        for (sequence, event) in lifecycle {
            let shown = catch_up.timeline.push_event(sequence, event);
            catch_up.show(shown);
        }
        catch_up
    }

    /// Goes on although output is missing.
    pub(super) const fn accept_holes(&mut self) {
        self.with_holes = true;
    }

    /// Everything up to here has been read, whether it was shown or not.
    pub(super) fn seen(&self) -> Cursor {
        let seen = self.timeline.seen();
        Cursor {
            output: seen.output.max(self.from.output),
            ..seen
        }
    }

    /// What has been made of what was read, to go on elsewhere.
    pub(super) fn into_timeline(self) -> Timeline {
        self.timeline
    }

    /// The next step. Waits through losses of the connection.
    ///
    /// # Errors
    /// When something in the log cannot be read.
    pub(super) async fn step(&mut self) -> Result<Step, ReadError> {
        loop {
            if let Some(frame) = self.ready.front() {
                if !self.with_holes && self.is_behind_a_hole(frame) {
                    return Ok(Step::Hole);
                }
                self.shown = frame.shown.cursor;
                return Ok(self.ready.pop_front().map_or(Step::Over, Step::Frame));
            }
            if self.timeline.is_over() {
                return Ok(Step::Over);
            }
            match self.read().await {
                Ok(true) => {}
                Ok(false) => return Ok(Step::Round),
                Err(ReadError::Request(error)) => {
                    tracing::debug!(%error, id = %self.id, "a viewer waits for the log");
                    self.output = None;
                    sleep(RETRY_PAUSE).await;
                    if let Some(log) = &self.log {
                        log.connected().await;
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a little; says whether the round goes on.
    async fn read(&mut self) -> Result<bool, ReadError> {
        if let Some(output) = &mut self.output {
            let shown = match output.next().await.transpose()? {
                Some((sequence, batch)) => self.timeline.push_output(sequence, batch),
                None => {
                    self.output = None;
                    // The leader has no more, so it is in vain to wait for it.
                    let shown = self.timeline.end_now();
                    self.show(shown);
                    return Ok(self.timeline.is_over());
                }
            };
            self.show(shown);
            return Ok(true);
        }
        let Some(log) = &self.log else {
            return Ok(false);
        };
        let seen = self.seen();
        let events = log
            .read_status(self.id, seen.status, Freshness::Leader)
            .await?;
        self.output = Some(Box::pin(log.read_output(
            self.id,
            seen.output,
            Freshness::Leader,
        )));
        for (sequence, event) in events {
            let shown = self.timeline.push_event(sequence, event);
            self.show(shown);
        }
        Ok(true)
    }

    fn show(&mut self, shown: Vec<Shown>) {
        let execution = self.timeline.execution();
        for mut shown in shown {
            if self.log.is_none() {
                shown.cursor.output = self.from.output;
            }
            self.ready.push_back(Frame::new(self.id, shown, execution));
        }
    }

    fn is_behind_a_hole(&self, next: &Frame) -> bool {
        match &next.shown.item {
            Item::Output(batch) => {
                let first = batch.chunks.first().map(|chunk| chunk.number);
                first.is_some_and(|first| first > self.shown.chunk)
            }
            Item::Event(event) => chunks(&event.change) > self.shown.chunk,
        }
    }
}

/// How many chunks there are before the event, where it says so.
fn chunks(change: &Change) -> u64 {
    match change {
        Change::Finished { output, .. } | Change::Dead { output, .. } => output.chunks,
        _ => 0,
    }
}

#[cfg(test)]
#[path = "catch_up_tests.rs"]
mod tests;

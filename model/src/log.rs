//! The log in memory, with the promises of the real one and nothing else.

use std::collections::HashMap;

use runlog_nats::Recorded;
use runlog_schemas::{
    Change, Execution, ExecutionEvent, ExecutionId, OutputBatch, Priority, Submission, fold,
};

use crate::append::Append;
use crate::op::Fault;
use crate::queue::{Delivered, Queue};

/// Something else stands there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

/// One message of `EXECUTIONS`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) recorded: Recorded,
    /// Whether it stands on the subject of the submission; otherwise on `status.{id}`.
    submits: bool,
    /// Which append it was.
    mark: u64,
}

/// The log: both streams, and the queues on the first.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    pub(crate) entries: Vec<Entry>,
    pub(crate) output: Vec<(u64, ExecutionId, OutputBatch)>,
    pub(crate) letters: HashMap<ExecutionId, u64>,
    queues: HashMap<Priority, Queue>,
    lease_ms: Option<u64>,
    marks: u64,
    /// Takes every append. For the model's own test.
    pub(crate) without_fence: bool,
}

impl MemoryLog {
    /// With leases of that length instead of ten seconds.
    #[must_use]
    pub fn with_lease(lease_ms: u64) -> Self {
        Self {
            lease_ms: Some(lease_ms),
            ..Self::default()
        }
    }

    /// Appends a submission, unless there is one with this id in whatever queue.
    ///
    /// # Errors
    /// When there is one.
    pub fn append_submission(
        &mut self,
        id: ExecutionId,
        submission: &Submission,
        at_ms: u64,
    ) -> Result<u64, Conflict> {
        let there = self.of(id).any(|it| it.submits);
        if there && !self.without_fence {
            return Err(Conflict);
        }
        let change = Change::Submitted {
            submission: Box::new(submission.clone()),
        };
        let event = ExecutionEvent { at_ms, change };
        let mark = self.mark();
        Ok(self.store(id, event, true, mark))
    }

    /// A mark for an append of its own.
    pub(crate) const fn mark(&mut self) -> u64 {
        self.marks += 1;
        self.marks
    }

    /// Appends behind the last event that the caller has folded.
    ///
    /// # Errors
    /// When there is a later one.
    pub fn append_status(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict> {
        let mark = self.mark();
        self.append_marked(id, expected, event, mark)
    }

    pub(crate) fn append_marked(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
        mark: u64,
    ) -> Result<u64, Conflict> {
        if self.last_status(id) != expected && !self.without_fence {
            return Err(Conflict);
        }
        Ok(self.store(id, event.clone(), false, mark))
    }

    /// What stands on the subject behind a sequence: where it is, and whether it is the append
    /// with that mark.
    pub(crate) fn find_out(&self, id: ExecutionId, after: u64, mark: u64) -> Option<(u64, bool)> {
        let next = self
            .of(id)
            .find(|it| !it.submits && it.recorded.sequence > after)?;
        Some((next.recorded.sequence, next.mark == mark))
    }

    /// An append that is to be sent.
    pub fn begin_append(&mut self, expected: u64, event: &ExecutionEvent) -> Append {
        Append {
            event: event.clone(),
            expected,
            mark: self.mark(),
            unclear: false,
        }
    }

    /// Sends an append, and nothing is heard of it.
    pub fn append_unanswered(
        &mut self,
        id: ExecutionId,
        append: &mut Append,
    ) -> Option<Result<u64, Conflict>> {
        append.attempt(self, id, Fault::ReplyLost)
    }

    /// Finds out what became of an append, and sends it again if nothing did.
    ///
    /// # Errors
    /// When something else stands in its place.
    pub fn append_again(&mut self, id: ExecutionId, append: &mut Append) -> Result<u64, Conflict> {
        let answered = append.attempt(self, id, Fault::None);
        answered.expect("without a fault there is an answer")
    }

    /// Appends to the recording.
    pub fn append_output(&mut self, id: ExecutionId, batch: &OutputBatch) -> u64 {
        let sequence = self.output.len() as u64 + 1;
        self.output.push((sequence, id, batch.clone()));
        sequence
    }

    /// Files a dead letter, once.
    pub fn append_dead_letter(&mut self, id: ExecutionId, submission_sequence: u64) {
        self.letters.entry(id).or_insert(submission_sequence);
    }

    /// All events of an execution with their sequences, the submission in front.
    #[must_use]
    pub fn events(&self, id: ExecutionId) -> Vec<(u64, ExecutionEvent)> {
        let events = self.of(id);
        events
            .map(|it| (it.recorded.sequence, it.recorded.event.clone()))
            .collect()
    }

    /// The execution, folded.
    #[must_use]
    pub fn execution(&self, id: ExecutionId) -> Execution {
        self.of(id).fold(Execution::default(), |it, entry| {
            fold(it, &entry.recorded.event)
        })
    }

    /// The last sequence on `status.{id}`, 0 for none.
    #[must_use]
    pub fn last_status(&self, id: ExecutionId) -> u64 {
        let last = self.entries.iter().rev();
        last.filter(|it| it.recorded.id == id && !it.submits)
            .map(|it| it.recorded.sequence)
            .next()
            .unwrap_or(0)
    }

    /// The recording, message by message.
    #[must_use]
    pub fn read_output(&self, id: ExecutionId) -> Vec<(u64, OutputBatch)> {
        self.output
            .iter()
            .filter(|(_, of, _)| *of == id)
            .map(|(sequence, _, batch)| (*sequence, batch.clone()))
            .collect()
    }

    /// Takes the next submission of a queue, on lease.
    pub fn pull(&mut self, priority: Priority, now_ms: u64) -> Option<Delivered> {
        let lease_ms = self.lease_ms;
        let queue = self
            .queues
            .entry(priority)
            .or_insert_with(|| lease_ms.map_or_else(Queue::default, Queue::with_lease));
        let waiting = self
            .entries
            .iter()
            .filter(|it| match &it.recorded.event.change {
                Change::Submitted { submission } => it.submits && submission.priority == priority,
                _ => false,
            });
        queue.pull(now_ms, waiting.map(|it| it.recorded.sequence))
    }

    /// Done with a submission.
    pub fn ack(&mut self, sequence: u64) {
        for queue in self.queues.values_mut() {
            queue.ack(sequence);
        }
    }

    /// Hands a submission back, to be delivered at that time or later.
    pub fn nak(&mut self, delivered: Delivered, due_ms: u64) {
        for queue in self.queues.values_mut() {
            queue.nak(delivered, due_ms);
        }
    }

    /// Begins a lease anew.
    pub fn progress(&mut self, sequence: u64, now_ms: u64) {
        for queue in self.queues.values_mut() {
            queue.progress(sequence, now_ms);
        }
    }

    /// Whether nothing is on lease.
    pub(crate) fn is_idle(&self) -> bool {
        self.queues.values().all(Queue::is_idle)
    }

    /// When something becomes due next.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.queues.values().filter_map(Queue::next_due_ms).min()
    }

    /// The events behind a sequence.
    #[must_use]
    pub fn tail(&self, after: u64) -> Vec<Recorded> {
        let start = usize::try_from(after).unwrap_or(usize::MAX);
        let entries = self.entries.get(start..).unwrap_or_default();
        entries.iter().map(|it| it.recorded.clone()).collect()
    }

    /// The message at a sequence.
    pub(crate) fn at(&self, sequence: u64) -> Option<&Recorded> {
        let index = usize::try_from(sequence).ok()?.checked_sub(1)?;
        self.entries.get(index).map(|it| &it.recorded)
    }

    fn of(&self, id: ExecutionId) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |it| it.recorded.id == id)
    }

    fn store(&mut self, id: ExecutionId, event: ExecutionEvent, submits: bool, mark: u64) -> u64 {
        let sequence = self.entries.len() as u64 + 1;
        let recorded = Recorded {
            sequence,
            id,
            event,
        };
        self.entries.push(Entry {
            recorded,
            submits,
            mark,
        });
        sequence
    }
}

//! The log of the model.

use runlog_model::{Conflict, Delivered, MemoryLog};
use runlog_nats::Recorded;
use runlog_schemas::{Cursor, ExecutionEvent, ExecutionId, OutputBatch, Priority, Shown, Timeline};

use crate::suite::{LEASE_MS, Pulled, UnderTest, submission};

pub(crate) struct Memory {
    log: MemoryLog,
    now_ms: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            log: MemoryLog::with_lease(LEASE_MS),
            now_ms: 1,
        }
    }
}

impl UnderTest for Memory {
    type Lease = Delivered;

    async fn submit(&mut self, id: ExecutionId, priority: Priority) -> Result<u64, Conflict> {
        self.log.append_submission(id, &submission(priority), 1)
    }

    async fn change(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict> {
        self.log.append_status(id, expected, event)
    }

    async fn two_unanswered(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> [Result<u64, Conflict>; 2] {
        let mut one = self.log.begin_append(expected, event);
        let mut other = self.log.begin_append(expected, event);
        assert_eq!(self.log.append_unanswered(id, &mut one), None);
        assert_eq!(self.log.append_unanswered(id, &mut other), None);
        [one, other].map(|mut it| self.log.append_again(id, &mut it))
    }

    async fn unanswered(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict> {
        let mut append = self.log.begin_append(expected, event);
        assert_eq!(self.log.append_unanswered(id, &mut append), None);
        self.log.append_again(id, &mut append)
    }

    async fn record(&mut self, id: ExecutionId, batch: &OutputBatch) -> u64 {
        self.log.append_output(id, batch)
    }

    async fn events(&mut self, id: ExecutionId) -> Vec<(u64, ExecutionEvent)> {
        self.log.events(id)
    }

    async fn recording(&mut self, id: ExecutionId) -> Vec<(u64, OutputBatch)> {
        self.log.read_output(id)
    }

    async fn tail(&mut self, after: u64, count: usize) -> Vec<Recorded> {
        let mut tail = self.log.tail(after);
        tail.truncate(count);
        tail
    }

    async fn watch(&mut self, id: ExecutionId, from: Cursor) -> Vec<Shown> {
        let mut timeline = Timeline::resumed(from);
        let mut shown = Vec::new();
        for (sequence, event) in self.log.events(id) {
            shown.extend(timeline.push_event(sequence, event));
        }
        for (sequence, batch) in self.log.read_output(id) {
            shown.extend(timeline.push_output(sequence, batch));
        }
        shown
    }

    async fn pull(&mut self, priority: Priority) -> Option<Pulled<Delivered>> {
        let delivered = self.log.pull(priority, self.now_ms)?;
        let there = self.log.tail(delivered.sequence - 1);
        Some(Pulled {
            id: there.first().unwrap().id,
            sequence: delivered.sequence,
            deliveries: delivered.deliveries,
            lease: delivered,
        })
    }

    async fn ack(&mut self, lease: &Delivered) {
        self.log.ack(lease.sequence);
    }

    async fn nak(&mut self, lease: &Delivered, delay_ms: u64) {
        self.log.nak(*lease, self.now_ms + delay_ms);
    }

    async fn progress(&mut self, lease: &Delivered) {
        self.log.progress(lease.sequence, self.now_ms);
    }

    async fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
    }
}

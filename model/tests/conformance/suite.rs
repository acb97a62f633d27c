//! What both logs can be asked.

use std::collections::BTreeMap;

use runlog_model::Conflict;
use runlog_nats::Recorded;
use runlog_schemas::{
    Change, Chunk, ChunkKind, Cursor, Data, ExecutionEvent, ExecutionId, Limits, Measurements,
    Outcome, OutputBatch, OutputDigest, Priority, Shown, SourceFile, Submission,
};

/// The lease of the suite's queues, in milliseconds.
pub(crate) const LEASE_MS: u64 = 3_000;

/// A log of either kind, with leases of [`LEASE_MS`].
pub(crate) trait UnderTest {
    /// What a delivery is answered with.
    type Lease;

    async fn submit(&mut self, id: ExecutionId, priority: Priority) -> Result<u64, Conflict>;

    async fn change(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict>;

    /// Two changes at once behind the same sequence, both of whose answers are lost on the way.
    async fn two_unanswered(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> [Result<u64, Conflict>; 2];

    /// A change whose answer is lost on the way.
    async fn unanswered(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict>;

    async fn record(&mut self, id: ExecutionId, batch: &OutputBatch) -> u64;

    async fn events(&mut self, id: ExecutionId) -> Vec<(u64, ExecutionEvent)>;

    async fn recording(&mut self, id: ExecutionId) -> Vec<(u64, OutputBatch)>;

    async fn tail(&mut self, after: u64, count: usize) -> Vec<Recorded>;

    /// All that a viewer sees from that place on to the end.
    async fn watch(&mut self, id: ExecutionId, from: Cursor) -> Vec<Shown>;

    async fn pull(&mut self, priority: Priority) -> Option<Pulled<Self::Lease>>;

    async fn ack(&mut self, lease: &Self::Lease);

    async fn nak(&mut self, lease: &Self::Lease, delay_ms: u64);

    async fn progress(&mut self, lease: &Self::Lease);

    /// Lets time pass.
    async fn pass(&mut self, ms: u64);

    /// Pulls until there is something.
    async fn next(&mut self, priority: Priority) -> Pulled<Self::Lease> {
        loop {
            if let Some(pulled) = self.pull(priority).await {
                return pulled;
            }
            self.pass(20).await;
        }
    }
}

/// A delivery.
pub(crate) struct Pulled<L> {
    pub(crate) id: ExecutionId,
    pub(crate) sequence: u64,
    pub(crate) deliveries: u64,
    pub(crate) lease: L,
}

pub(crate) fn id(number: u128) -> ExecutionId {
    let number = (0x7_u128 << 76) | (0x2_u128 << 62) | number;
    ExecutionId::from_uuid(uuid::Uuid::from_u128(number))
}

pub(crate) fn submission(priority: Priority) -> Submission {
    Submission {
        language: "python".to_owned(),
        priority,
        files: vec![SourceFile {
            name: "main".to_owned(),
            content: Data::from("print(1)"),
        }],
        entry: "main".to_owned(),
        args: Vec::new(),
        env: BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 60_000,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

pub(crate) fn event(change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms: 1, change }
}

pub(crate) fn started(attempt: u32) -> ExecutionEvent {
    event(Change::Started {
        attempt,
        worker: "w".to_owned(),
    })
}

pub(crate) fn output(attempt: u32, first: u64, count: u64) -> OutputBatch {
    let chunks = (first..first + count)
        .map(|number| Chunk {
            number,
            at_us: number,
            what: ChunkKind::Stdout {
                data: Data::from(format!("{number} of {attempt}\n").as_str()),
            },
        })
        .collect();
    OutputBatch { attempt, chunks }
}

pub(crate) fn finished(attempt: u32, chunks: u64, last_sequence: u64) -> ExecutionEvent {
    let mut digest = OutputDigest::default();
    for chunk in &output(attempt, 0, chunks).chunks {
        digest.push(chunk);
    }
    event(Change::Finished {
        attempt,
        outcome: Outcome::Exited { code: 0 },
        measurements: Box::new(Measurements::default()),
        output: Box::new(digest.finish(Some(last_sequence))),
    })
}

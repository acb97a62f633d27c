//! A worker that does what the test says: it writes to the log what a real one would.

use runlog_nats::{Freshness, Log};
use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, ExecutionEvent, ExecutionId, Measurements, Outcome,
    OutputBatch, OutputDigest,
};

/// See the module.
pub(crate) struct Script {
    pub(crate) log: Log,
    pub(crate) id: ExecutionId,
    attempt: u32,
    chunks: Vec<Chunk>,
    last_output: Option<u64>,
}

impl Script {
    /// Takes an execution and starts its first attempt.
    pub(crate) async fn start(log: &Log, id: ExecutionId) -> Self {
        let mut script = Self::new(log, id);
        script.begin().await;
        script
    }

    /// Takes an execution and does nothing yet.
    pub(crate) fn new(log: &Log, id: ExecutionId) -> Self {
        Self {
            log: log.clone(),
            id,
            attempt: 0,
            chunks: Vec::new(),
            last_output: None,
        }
    }

    /// Starts the next attempt.
    pub(crate) async fn begin(&mut self) {
        self.attempt += 1;
        self.chunks.clear();
        self.last_output = None;
        let worker = "script".to_owned();
        let attempt = self.attempt;
        self.event(Change::Started { attempt, worker }).await;
    }

    /// Appends an event behind whatever stands there.
    pub(crate) async fn event(&self, change: Change) {
        let folded = self.log.read_execution(self.id, Freshness::Leader).await;
        let folded = folded.expect("the log answers").expect("it is there");
        let at_ms = crate::stage::now_ms();
        let event = ExecutionEvent { at_ms, change };
        let expected = folded.last_status_sequence;
        let appended = self.log.append_status(self.id, expected, &event).await;
        appended.expect("it is appended");
    }

    /// The program writes to standard output.
    pub(crate) async fn say(&mut self, text: impl AsRef<[u8]>) {
        let data = Data(text.as_ref().to_vec());
        self.chunk(ChunkKind::Stdout { data }).await;
    }

    /// Something happens while the program runs.
    pub(crate) async fn chunk(&mut self, what: ChunkKind) {
        let number = self.chunks.len() as u64;
        let chunk = Chunk {
            number,
            at_us: number * 1_000,
            what,
        };
        self.chunks.push(chunk.clone());
        self.append(vec![chunk]).await;
    }

    /// Whether this attempt has written anything.
    pub(crate) const fn has_output(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Appends the last message once more, as a worker whose append went unanswered may.
    pub(crate) async fn stutter(&mut self) {
        let last = self.chunks.last().cloned();
        self.append(last.into_iter().collect()).await;
    }

    async fn append(&mut self, chunks: Vec<Chunk>) {
        let batch = OutputBatch {
            attempt: self.attempt,
            chunks,
        };
        let appended = self.log.append_output(self.id, &batch).await;
        self.last_output = Some(appended.expect("it is appended"));
    }

    /// The attempt fails through our fault.
    pub(crate) async fn retry(&self) {
        let change = Change::Retried {
            attempt: self.attempt,
            reason: "the machine burns".to_owned(),
            not_before_ms: 0,
            handed_back: false,
        };
        self.event(change).await;
    }

    /// The program exits.
    pub(crate) async fn exit(&self, code: i32) {
        self.finish(Outcome::Exited { code }).await;
    }

    /// The execution ends.
    pub(crate) async fn finish(&self, outcome: Outcome) {
        let mut digest = OutputDigest::default();
        for chunk in &self.chunks {
            digest.push(chunk);
        }
        let change = Change::Finished {
            attempt: self.attempt,
            outcome,
            measurements: Box::new(Measurements::default()),
            output: Box::new(digest.finish(self.last_output)),
        };
        self.event(change).await;
    }

    /// What was written on standard output so far.
    pub(crate) fn stdout(&self) -> Vec<u8> {
        stdout(&self.chunks)
    }
}

/// What chunks have of standard output.
pub(crate) fn stdout(chunks: &[Chunk]) -> Vec<u8> {
    let pieces = chunks.iter().filter_map(|chunk| match &chunk.what {
        ChunkKind::Stdout { data } => Some(data.0.as_slice()),
        _ => None,
    });
    pieces.flatten().copied().collect()
}

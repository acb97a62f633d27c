//! What can happen to an execution, written to the log as its actors would.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use runlog_nats::Log;
use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, ExecutionEvent, ExecutionId, Limits, Measurements, Outcome,
    OutputBatch, OutputDigest, OutputSummary, Phase, Priority, SourceFile, Submission,
};
use uuid::Uuid;

/// The kinds of stories; number `n` tells the kind `n % KINDS`.
pub(crate) const KINDS: u64 = 11;

/// The kinds whose recording is stored in the end.
pub(crate) const RECORDED_KINDS: [u64; 7] = [0, 1, 3, 4, 5, 8, 9];

pub(crate) fn id(number: u64) -> ExecutionId {
    let version = 7_u128 << 76;
    let variant = 2_u128 << 62;
    ExecutionId::from_uuid(Uuid::from_u128(version | variant | u128::from(number)))
}

pub(crate) fn submission(number: u64) -> Submission {
    Submission {
        language: ["python", "c", "ruby"][small(number % 3)].to_owned(),
        priority: Priority::ALL[small(number % 2)],
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data(format!("print({number})\n\0").into_bytes()),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 60_000,
        session: (!number.is_multiple_of(4)).then(|| format!("s{}", number % 7)),
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

fn small(number: u64) -> usize {
    usize::try_from(number).expect("it is small")
}

/// Tells stories, many at once, so that their events mix.
pub(crate) async fn tell(log: &Log, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
    stream::iter(numbers)
        .map(|number| async move { Story::new(log, number).tell().await })
        .buffer_unordered(64)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// One execution on its way.
pub(crate) struct Story<'a> {
    log: &'a Log,
    number: u64,
    id: ExecutionId,
    last: u64,
    at_ms: u64,
}

impl<'a> Story<'a> {
    pub(crate) fn new(log: &'a Log, number: u64) -> Self {
        Self {
            log,
            number,
            id: id(number),
            last: 0,
            at_ms: 1_700_000_000_000 + number * 10,
        }
    }

    async fn tell(mut self) -> anyhow::Result<()> {
        self.submit().await?;
        match self.number % KINDS {
            0 => self.run(1, false, Outcome::Exited { code: 0 }).await?,
            1 => {
                self.attempt_that_failed(1, "no cell \0").await?;
                self.run(2, true, Outcome::Signaled { signal: 9 }).await?;
            }
            2 => self.add(Change::Cancelled).await?,
            3 => {
                self.start(1).await?;
                self.add(Change::CancelRequested).await?;
                let output = self.write(1, 5, false).await?;
                self.finish(1, Outcome::Cancelled, output).await?;
            }
            4 => {
                // The worker was lost, and comes back when another has taken over.
                self.start(1).await?;
                self.write(1, 9, false).await?;
                self.start(2).await?;
                self.write(1, 3, false).await?;
                self.write(2, 4, true).await?;
                let output = self.write(2, 7, true).await?;
                self.finish(2, Outcome::Exited { code: 3 }, output).await?;
                self.write(1, 12, false).await?;
            }
            5 => {
                self.attempt_that_failed(1, "no cell").await?;
                self.attempt_that_failed(2, "no cell").await?;
                self.start(3).await?;
                let output = self.write(3, 2, false).await?;
                let reason = "no cell either".to_owned();
                self.add(Change::Dead {
                    attempt: 3,
                    reason,
                    output: Box::new(output),
                })
                .await?;
            }
            6 => {}
            7 => {
                self.start(1).await?;
                self.write(1, 4, false).await?;
            }
            8 => {
                self.run(1, true, Outcome::CompileError { code: 1 }).await?;
            }
            9 => {
                self.run(1, false, Outcome::Exited { code: 1 }).await?;
                // What a fold must not mind.
                self.start(1).await?;
                self.add(Change::Expired).await?;
            }
            _ => self.add(Change::Expired).await?,
        }
        Ok(())
    }

    pub(crate) async fn submit(&mut self) -> anyhow::Result<()> {
        self.log
            .append_submission(self.id, &submission(self.number), self.at_ms)
            .await?;
        Ok(())
    }

    pub(crate) async fn start(&mut self, attempt: u32) -> anyhow::Result<()> {
        let worker = format!("worker-{}", self.number % 5);
        self.add(Change::Started { attempt, worker }).await
    }

    async fn attempt_that_failed(&mut self, attempt: u32, reason: &str) -> anyhow::Result<()> {
        self.start(attempt).await?;
        self.write(attempt, 3, false).await?;
        let not_before_ms = self.at_ms + 2_000;
        let reason = reason.to_owned();
        self.add(Change::Retried {
            attempt,
            reason,
            not_before_ms,
            handed_back: false,
        })
        .await
    }

    /// An attempt from its start to its end.
    pub(crate) async fn run(
        &mut self,
        attempt: u32,
        binary: bool,
        outcome: Outcome,
    ) -> anyhow::Result<()> {
        self.start(attempt).await?;
        let output = self.write(attempt, self.number % 20, binary).await?;
        self.finish(attempt, outcome, output).await
    }

    pub(crate) async fn finish(
        &mut self,
        attempt: u32,
        outcome: Outcome,
        output: OutputSummary,
    ) -> anyhow::Result<()> {
        let measurements = Measurements {
            wall_us: self.number,
            engine: "test".to_owned(),
            ..Measurements::default()
        };
        self.add(Change::Finished {
            attempt,
            outcome,
            measurements: Box::new(measurements),
            output: Box::new(output),
        })
        .await
    }

    /// Writes chunks 0 up to `count`, three in each message and some messages twice.
    pub(crate) async fn write(
        &mut self,
        attempt: u32,
        count: u64,
        binary: bool,
    ) -> anyhow::Result<OutputSummary> {
        let chunks: Vec<Chunk> = (0..count)
            .map(|number| self.chunk(number, attempt, binary))
            .collect();
        let mut digest = OutputDigest::default();
        chunks.iter().for_each(|chunk| digest.push(chunk));
        let mut last = None;
        for (place, chunks) in chunks.chunks(3).enumerate() {
            let batch = OutputBatch {
                attempt,
                chunks: chunks.to_vec(),
            };
            last = Some(self.log.append_output(self.id, &batch).await?);
            if place % 4 == 1 {
                last = Some(self.log.append_output(self.id, &batch).await?);
            }
        }
        Ok(digest.finish(last))
    }

    fn chunk(&self, number: u64, attempt: u32, binary: bool) -> Chunk {
        let mut bytes = format!("{number} of attempt {attempt} of {}\n", self.number).into_bytes();
        if binary {
            bytes.extend([0, 0xff, 0xfe, number.to_le_bytes()[0]]);
        }
        let data = Data(bytes);
        let what = match number % 5 {
            0 => ChunkKind::Phase { phase: Phase::Run },
            1 => ChunkKind::Stderr { data },
            2 => ChunkKind::Compiler { data },
            _ => ChunkKind::Stdout { data },
        };
        Chunk {
            number,
            at_us: number * 100,
            what,
        }
    }

    /// Adds an event to the status, whether or not it makes sense.
    pub(crate) async fn add(&mut self, change: Change) -> anyhow::Result<()> {
        self.at_ms += 1;
        let event = ExecutionEvent {
            at_ms: self.at_ms,
            change,
        };
        self.last = self.log.append_status(self.id, self.last, &event).await?;
        Ok(())
    }
}

//! A log with one execution of each kind, and the tables that a projector made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_nats::jetstream;
use prometheus::Registry;
use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{DeadLetter, Log, LogConfig};
use runlog_projector::{Clock, Config};
use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, ExecutionEvent, ExecutionId, Limits, Measurements, Outcome,
    OutputBatch, OutputDigest, OutputSummary, Priority, SourceFile, Submission,
};
use runlog_verify::{Options, Report, Rule, verify};
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

/// What is expected of a check: each rule that does not hold, with its execution.
pub(crate) type Findings = BTreeSet<(Rule, Option<ExecutionId>)>;

/// Servers, a log on them, and tables.
pub(crate) struct Bed {
    pub(crate) servers: Testbed,
    pub(crate) log: Log,
    pub(crate) address: String,
}

/// The executions of the log, by what happened to them.
pub(crate) const FINISHED: u128 = 1;
pub(crate) const RETRIED: u128 = 2;
pub(crate) const CANCELLED: u128 = 3;
pub(crate) const EXPIRED: u128 = 4;
pub(crate) const DEAD: u128 = 5;
pub(crate) const LOST: u128 = 6;
pub(crate) const QUEUED: u128 = 7;
pub(crate) const RUNNING: u128 = 8;
pub(crate) const SILENT: u128 = 9;

impl Bed {
    /// With the stories in the log, and no tables.
    pub(crate) async fn start() -> Self {
        let mut servers = Testbed::start_with_postgres().await.unwrap();
        let address = servers.postgres().connection_string();
        let log = Log::connect(&LogConfig::new(servers.nats().url(), "test"))
            .await
            .unwrap();
        let wanted = Wanted::of(&["python".to_owned()], Replicas::One);
        streams::apply(&log, &wanted, false, 1).await.unwrap();
        let bed = Self {
            servers,
            log,
            address,
        };
        bed.write().await;
        bed
    }

    /// With tables too.
    pub(crate) async fn folded() -> Self {
        let bed = Self::start().await;
        bed.fold().await;
        bed
    }

    /// Has a projector fold everything that is in the log now, and ends it.
    pub(crate) async fn fold(&self) {
        let mut config = Config::new(&self.address);
        // What waits here has waited since 1970.
        config.clock = Clock::new(|| 0);
        config.archive_interval = Duration::from_millis(20);
        let stop = CancellationToken::new();
        let registry = Registry::new();
        let running = runlog_projector::run(config, self.log.clone(), &registry, stop.clone());
        let last = self.log.last_sequence().await.unwrap();
        let snippets = self.log.bounds("SNIPPETS").await.unwrap().last_sequence;
        let caught_up = async {
            let done = format!(
                "SELECT (SELECT last_sequence FROM runlog.projector_checkpoints) >= {last}
                 AND NOT EXISTS (SELECT FROM runlog.recordings_due)
                 AND (SELECT coalesce(max(sequence), 0) FROM runlog.snippets) >= {snippets}"
            );
            loop {
                let client = self.sql().await;
                if let Ok(row) = client.query_one(&done, &[]).await
                    && row.get::<_, Option<bool>>(0) == Some(true)
                {
                    break stop.cancel();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let (ran, ()) = tokio::join!(running, caught_up);
        ran.unwrap();
    }

    /// A client that changes the tables as nobody should.
    pub(crate) async fn sql(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.address, NoTls).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "ends with its client")]
        tokio::spawn(connection);
        client
            .batch_execute("SET search_path TO runlog")
            .await
            .unwrap();
        client
    }

    /// A client that changes the log as nobody should.
    pub(crate) async fn stream(&mut self) -> jetstream::Context {
        let client = async_nats::connect(self.servers.nats().url())
            .await
            .unwrap();
        jetstream::new(client)
    }

    pub(crate) async fn check(&self) -> Report {
        self.check_with(false).await
    }

    pub(crate) async fn check_with(&self, settled: bool) -> Report {
        let options = Options {
            database: Some(self.address.clone()),
            settled,
        };
        verify(&self.log, &options).await.unwrap()
    }

    async fn write(&self) {
        for number in [
            FINISHED, RETRIED, CANCELLED, EXPIRED, DEAD, LOST, QUEUED, RUNNING, SILENT,
        ] {
            self.submit(number).await;
        }
        self.finish(FINISHED, 0, 1).await;
        let begun = self.status(RETRIED, 0, started(1)).await;
        self.log
            .append_output(id(RETRIED), &output(1, 0, 2))
            .await
            .unwrap();
        let retried = Change::Retried {
            attempt: 1,
            reason: "no cell".to_owned(),
            not_before_ms: 5,
            handed_back: false,
        };
        let last = self.status(RETRIED, begun, retried).await;
        self.finish(RETRIED, last, 2).await;
        self.status(CANCELLED, 0, Change::Cancelled).await;
        self.status(EXPIRED, 0, Change::Expired).await;
        self.die(DEAD).await;
        // The worker of the first attempt was lost; what it wrote comes late.
        let begun = self.status(LOST, 0, started(1)).await;
        self.finish(LOST, begun, 2).await;
        self.log
            .append_output(id(LOST), &output(1, 0, 1))
            .await
            .unwrap();
        self.status(RUNNING, 0, started(1)).await;
        self.log
            .append_output(id(RUNNING), &output(1, 0, 1))
            .await
            .unwrap();
        let begun = self.status(SILENT, 0, started(1)).await;
        self.status(SILENT, begun, finished(1, OutputSummary::default()))
            .await;
    }

    pub(crate) async fn submit(&self, number: u128) -> u64 {
        let submission = submission(Priority::Api);
        let appended = self.log.append_submission(id(number), &submission, 1).await;
        appended.unwrap()
    }

    pub(crate) async fn status(&self, number: u128, expected: u64, change: Change) -> u64 {
        let event = ExecutionEvent { at_ms: 2, change };
        let appended = self.log.append_status(id(number), expected, &event).await;
        appended.unwrap()
    }

    /// Starts an attempt behind that sequence and ends it with three chunks of output, one of
    /// which stands in the log twice.
    pub(crate) async fn finish(&self, number: u128, expected: u64, attempt: u32) {
        let begun = self.status(number, expected, started(attempt)).await;
        self.log
            .append_output(id(number), &output(attempt, 0, 2))
            .await
            .unwrap();
        let last = self
            .log
            .append_output(id(number), &output(attempt, 1, 2))
            .await
            .unwrap();
        self.status(number, begun, finished(attempt, summary(attempt, 3, last)))
            .await;
    }

    async fn die(&self, number: u128) {
        let mut last = 0;
        for attempt in 1..=3 {
            last = self.status(number, last, started(attempt)).await;
        }
        let dead = Change::Dead {
            attempt: 3,
            reason: "no cell".to_owned(),
            output: Box::default(),
        };
        self.status(number, last, dead).await;
        let letter = DeadLetter {
            at_ms: 2,
            attempts: 3,
            reason: "no cell".to_owned(),
            submission_sequence: 5,
            redriven: None,
        };
        let filed = self
            .log
            .append_dead_letter("python", id(number), &letter)
            .await;
        filed.unwrap();
    }
}

/// What a report says, without words.
pub(crate) fn findings(report: &Report) -> Findings {
    let broken = report.findings.iter().map(|it| (it.rule, it.execution));
    broken.collect()
}

/// Compares with words when it differs.
#[track_caller]
pub(crate) fn assert_found(report: &Report, expected: &[(Rule, Option<u128>)]) {
    let expected: Findings = expected
        .iter()
        .map(|(rule, number)| (*rule, number.map(id)))
        .collect();
    assert_eq!(findings(report), expected, "{:#?}", report.findings);
    assert_eq!(report.is_ok(), expected.is_empty());
    for finding in &report.findings {
        assert!(!finding.words.is_empty());
    }
}

pub(crate) fn id(number: u128) -> ExecutionId {
    let uuid = uuid::Uuid::from_u128((0x7 << 76) | (0x2 << 62) | number);
    ExecutionId::from_uuid(uuid)
}

pub(crate) fn started(attempt: u32) -> Change {
    Change::Started {
        attempt,
        worker: "w".to_owned(),
    }
}

pub(crate) fn finished(attempt: u32, output: OutputSummary) -> Change {
    Change::Finished {
        attempt,
        outcome: Outcome::Exited { code: 0 },
        measurements: Box::new(Measurements::default()),
        output: Box::new(output),
    }
}

/// `count` chunks from the number `first` on.
pub(crate) fn output(attempt: u32, first: u64, count: u64) -> OutputBatch {
    let chunks = (first..first + count)
        .map(|number| Chunk {
            number,
            at_us: number,
            what: ChunkKind::Stdout {
                data: Data::from(format!("line {number} of {attempt}\n").as_str()),
            },
        })
        .collect();
    OutputBatch { attempt, chunks }
}

/// What [`output`] comes to.
pub(crate) fn summary(attempt: u32, chunks: u64, last_sequence: u64) -> OutputSummary {
    let mut digest = OutputDigest::default();
    for chunk in &output(attempt, 0, chunks).chunks {
        digest.push(chunk);
    }
    digest.finish(Some(last_sequence))
}

pub(crate) fn submission(priority: Priority) -> Submission {
    Submission {
        language: "python".to_owned(),
        priority,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from("print(1)\n"),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 60_000,
        session: Some("a\0b".to_owned()),
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

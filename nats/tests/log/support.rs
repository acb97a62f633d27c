//! A real server with the real streams, and things to put in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig};
use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, ExecutionEvent, ExecutionId, Limits, Measurements, Outcome,
    OutputBatch, OutputDigest, Priority, SourceFile, Submission,
};

/// A server of the test's own and the log on it.
pub(crate) struct Bed {
    pub(crate) servers: Testbed,
    pub(crate) log: Log,
}

impl Bed {
    pub(crate) async fn start() -> Self {
        let mut servers = Testbed::start().await.expect("nats-server starts");
        let url = servers.nats().url();
        let log = connect(&url).await;
        streams::apply(&log, &wanted(), false, now_ms())
            .await
            .expect("streams are made");
        Self { servers, log }
    }

    /// Freezes the server, and returns when all of it stands still.
    pub(crate) fn freeze(&mut self) {
        let server = self.servers.nats();
        server.pause().unwrap();
        let tasks = format!("/proc/{}/task", server.pid().unwrap());
        let stopped = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_none_or(|rest| rest.starts_with('T'))
        };
        while !std::fs::read_dir(&tasks).unwrap().flatten().all(stopped) {
            std::thread::yield_now();
        }
    }

    /// Another client of the same log.
    pub(crate) async fn another(&mut self) -> Log {
        connect(&self.servers.nats().url()).await
    }
}

pub(crate) async fn connect(url: &str) -> Log {
    let config = LogConfig {
        // Whatever was lost must be noticed by its signs.
        audit_every: Duration::from_secs(3_600),
        ..LogConfig::new(url, "test")
    };
    Log::connect(&config).await.expect("the log is there")
}

pub(crate) fn languages() -> Vec<String> {
    ["python", "c"].map(str::to_owned).to_vec()
}

pub(crate) fn wanted() -> Wanted {
    Wanted::of(&languages(), Replicas::One)
}

#[expect(clippy::disallowed_methods, reason = "the shell of a test has a clock")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 500 million")
}

pub(crate) fn id(number: u128) -> ExecutionId {
    ExecutionId::from_uuid(uuid::Uuid::from_u128((0x7 << 76) | (0x2 << 62) | number))
}

pub(crate) fn submission(language: &str, priority: Priority) -> Submission {
    Submission {
        language: language.to_owned(),
        priority,
        files: vec![SourceFile {
            name: "main".to_owned(),
            content: Data::from("print(1)"),
        }],
        entry: "main".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
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

/// The end of an attempt that wrote `chunks`, the last of them at `last_sequence`.
pub(crate) fn finished(attempt: u32, chunks: u64, last_sequence: Option<u64>) -> ExecutionEvent {
    let mut digest = OutputDigest::default();
    for chunk in &output(attempt, 0, chunks).chunks {
        digest.push(chunk);
    }
    event(Change::Finished {
        attempt,
        outcome: Outcome::Exited { code: 0 },
        measurements: Box::new(Measurements::default()),
        output: Box::new(digest.finish(last_sequence)),
    })
}

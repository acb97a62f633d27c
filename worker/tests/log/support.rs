//! A real server with the real streams, a worker on it, and programs that are scripts.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prometheus::Registry;
use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig, Watch};
use runlog_sandbox::fake::{Act, FakeEngine, Script};
use runlog_sandbox::{Cause, Engine, OutputStream as Fd};
use runlog_schemas::{
    Catalog, ChunkKind, Cursor, Data, End, Execution, ExecutionEvent, ExecutionId, Item, Limits,
    OutputBatch, OutputDigest, Priority, SourceFile, State, Submission, Vocabulary,
};
use runlog_worker::{Config, Parts, Toolchains};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Interpreted.
pub(crate) const SCRIPT: &str = "script";
/// Compiled.
pub(crate) const COMPILED: &str = "compiled";
/// What the compile step runs.
pub(crate) const COMPILER: &str = "/bin/compiler";

const DEFINITION: &str = r#"
name = "Test"
extensions = ["x"]
entry = "main.x"
[toolchain.version]
argv = ["/bin/version"]
[run]
argv = ["/bin/run", "{args}"]
[[self_test]]
name = "hello"
files = { "main.x" = "" }
outcome = { kind = "exited", code = 0 }
stdout = "hello\n"
"#;

/// A server of the test's own and the log on it.
pub(crate) struct Bed {
    pub(crate) servers: Testbed,
    pub(crate) log: Log,
}

/// A worker that runs.
pub(crate) struct Worker {
    pub(crate) engine: FakeEngine,
    pub(crate) registry: Registry,
    shutdown: CancellationToken,
    done: JoinHandle<Result<(), runlog_worker::Error>>,
    /// Of its own, so that it can be killed.
    runtime: Option<Runtime>,
}

/// All that the log says about an execution that ended.
pub(crate) struct Ended {
    pub(crate) execution: Execution,
    pub(crate) events: Vec<(u64, ExecutionEvent)>,
    pub(crate) batches: Vec<(u64, OutputBatch)>,
}

impl Bed {
    pub(crate) async fn start() -> Self {
        Self::with_lease(10).await
    }

    /// With leases of that many seconds.
    pub(crate) async fn with_lease(seconds: u64) -> Self {
        let mut servers = Testbed::start().await.expect("nats-server starts");
        let log = connect(&servers.nats().url()).await;
        let languages = [SCRIPT, COMPILED].map(str::to_owned);
        let mut wanted = Wanted::of(&languages, Replicas::One);
        for consumer in &mut wanted.consumers {
            let nanoseconds = seconds * 1_000_000_000;
            consumer
                .config
                .insert("ack_wait".to_owned(), nanoseconds.into());
        }
        streams::apply(&log, &wanted, false, now_ms())
            .await
            .expect("streams are made");
        Self { servers, log }
    }

    /// A worker with a connection of its own.
    pub(crate) async fn worker(&mut self, engine: FakeEngine) -> Worker {
        self.worker_with(engine, |_| {}).await
    }

    pub(crate) async fn worker_with(
        &mut self,
        engine: FakeEngine,
        change: impl FnOnce(&mut Config),
    ) -> Worker {
        self.worker_that_knows(Vocabulary::default(), engine, change)
            .await
    }

    /// One that knows only these events.
    pub(crate) async fn worker_that_knows(
        &mut self,
        vocabulary: Vocabulary,
        engine: FakeEngine,
        change: impl FnOnce(&mut Config),
    ) -> Worker {
        let mut config = Config::new("w1", "host");
        change(&mut config);
        let registry = Registry::new();
        let shutdown = CancellationToken::new();
        let log = LogConfig {
            vocabulary,
            ..LogConfig::new(self.servers.nats().url(), "test")
        };
        let (engine_of, registry_of) = (engine.clone(), registry.clone());
        let stop = shutdown.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let done = runtime.spawn(async move {
            let parts = Parts {
                log: Log::connect(&log).await.expect("the log is there"),
                engine: Arc::new(engine_of) as Arc<dyn Engine>,
                languages: Arc::new(catalog()),
                toolchains: Toolchains::default(),
                registry: registry_of,
            };
            runlog_worker::run(config, parts, stop).await
        });
        Worker {
            engine,
            registry,
            shutdown,
            done,
            runtime: Some(runtime),
        }
    }

    pub(crate) async fn submit(&self, submission: &Submission) -> ExecutionId {
        self.submit_at(submission, now_ms()).await
    }

    pub(crate) async fn submit_at(&self, submission: &Submission, at_ms: u64) -> ExecutionId {
        let id = ExecutionId::from_uuid(uuid::Uuid::now_v7());
        self.log
            .append_submission(id, submission, at_ms)
            .await
            .expect("the log takes it");
        id
    }

    pub(crate) async fn watch(&self, id: ExecutionId) -> Watch {
        self.log.watch(id, Cursor::default()).await.unwrap()
    }

    /// Waits until a viewer has seen what is looked for.
    pub(crate) async fn until(&self, id: ExecutionId, seen: impl Fn(&Item) -> bool) {
        let mut watch = self.watch(id).await;
        while let Some(shown) = watch.next().await {
            if seen(&shown.unwrap().item) {
                return;
            }
        }
        panic!("it ended before that");
    }

    /// Waits until the program has written something.
    pub(crate) async fn until_output(&self, id: ExecutionId) {
        let output = |kind: &ChunkKind| kind.output().is_some();
        self.until(id, |item| match item {
            Item::Output(batch) => batch.chunks.iter().any(|it| output(&it.what)),
            Item::Event(_) => false,
        })
        .await;
    }

    /// Waits for the end, then reads everything, and checks what holds for every execution.
    pub(crate) async fn end(&self, id: ExecutionId) -> Ended {
        let mut watch = self.watch(id).await;
        while let Some(shown) = watch.next().await {
            shown.unwrap();
        }
        self.read(id).await
    }

    async fn read(&self, id: ExecutionId) -> Ended {
        use futures_util::TryStreamExt as _;
        let leader = runlog_nats::Freshness::Leader;
        let folded = self.log.read_execution(id, leader).await.unwrap().unwrap();
        let batches = self.log.read_output(id, 0, leader);
        let ended = Ended {
            execution: folded.execution,
            events: folded.events,
            batches: batches.try_collect().await.unwrap(),
        };
        ended.check();
        ended
    }
}

impl Ended {
    pub(crate) fn end(&self) -> &End {
        self.execution.end().expect("it ended")
    }

    /// The names of its events.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.events
            .iter()
            .map(|(_, event)| event.change.name())
            .collect()
    }

    /// What the attempt that counts recorded.
    pub(crate) fn chunks(&self) -> Vec<ChunkKind> {
        let attempt = self.execution.recorded_attempt();
        self.batches
            .iter()
            .filter(|(_, batch)| Some(batch.attempt) == attempt)
            .flat_map(|(_, batch)| batch.chunks.iter().map(|chunk| chunk.what.clone()))
            .collect()
    }

    /// What the program wrote on that stream.
    pub(crate) fn bytes(&self, stream: runlog_schemas::OutputStream) -> Vec<u8> {
        self.chunks()
            .iter()
            .filter_map(ChunkKind::output)
            .filter(|(of, _)| *of == stream)
            .flat_map(|(_, bytes)| bytes.to_vec())
            .collect()
    }

    /// The summary of the terminal event is what the log has: lengths, hashes, last sequence.
    fn check(&self) {
        let Some(summary) = self.execution.end().and_then(|end| end.output.clone()) else {
            return;
        };
        let attempt = self.execution.recorded_attempt();
        let counted = |(_, batch): &&(u64, OutputBatch)| Some(batch.attempt) == attempt;
        let mut digest = OutputDigest::default();
        let mut next = 0;
        let mut last = None;
        for (sequence, batch) in self.batches.iter().filter(counted) {
            last = Some(*sequence);
            for chunk in &batch.chunks {
                assert_eq!(chunk.number, next, "chunks are numbered without gaps");
                next += 1;
                digest.push(chunk);
            }
        }
        assert_eq!(summary, digest.finish(last));
    }
}

impl Worker {
    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.done).await.unwrap().unwrap();
        assert_eq!(self.engine.cells_in_use(), 0, "no cell is left behind");
    }

    /// As if its process had been killed: whatever it was doing, it does no more.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// The value of a counter or gauge, all labels together.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name);
        family.map_or(0.0, |family| {
            let metrics = family.get_metric().iter();
            metrics
                .map(|it| it.get_counter().get_value() + it.get_gauge().get_value())
                .sum()
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) async fn connect(url: &str) -> Log {
    Log::connect(&LogConfig::new(url, "test"))
        .await
        .expect("the log is there")
}

#[expect(clippy::disallowed_methods, reason = "the shell of a test has a clock")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

pub(crate) fn catalog() -> Catalog {
    let compiled = format!("{DEFINITION}\n[compile]\nargv = [\"{COMPILER}\", \"{{sources}}\"]\n");
    Catalog::from_toml([(SCRIPT, DEFINITION), (COMPILED, compiled.as_str())]).unwrap()
}

/// An engine whose programs do that; compilers are content.
pub(crate) fn runs(acts: Vec<Act>) -> FakeEngine {
    compiles_and_runs(Vec::new(), acts)
}

pub(crate) fn compiles_and_runs(compiler: Vec<Act>, program: Vec<Act>) -> FakeEngine {
    FakeEngine::new(move |step| match step.argv[0].as_str() {
        "/bin/version" => Script::Run(vec![write("1.0\n")]),
        COMPILER => Script::Run(compiler.clone()),
        _ => Script::Run(program.clone()),
    })
}

/// An engine that plays each program's first argument: a key of the script that it stands for.
pub(crate) fn plays(scripts: impl Fn(&str) -> Script + Send + Sync + 'static) -> FakeEngine {
    FakeEngine::new(move |step| match step.argv[0].as_str() {
        "/bin/version" => Script::Run(vec![write("1.0\n")]),
        _ => scripts(step.argv.get(1).map_or("", String::as_str)),
    })
}

pub(crate) fn write(text: &str) -> Act {
    Act::Write(Fd::Stdout, Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) fn exit(code: i32) -> Act {
    Act::End(Cause::Exited { code })
}

pub(crate) fn submission(language: &str) -> Submission {
    Submission {
        language: language.to_owned(),
        priority: Priority::Api,
        files: vec![SourceFile {
            name: "main.x".to_owned(),
            content: Data::from("source"),
        }],
        entry: "main.x".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 600_000,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

/// A submission with that first argument; see [`plays`].
pub(crate) fn named(name: &str) -> Submission {
    Submission {
        args: vec![name.to_owned()],
        ..submission(SCRIPT)
    }
}

pub(crate) fn is_running(execution: &Execution) -> bool {
    matches!(execution.state, State::Running { .. })
}

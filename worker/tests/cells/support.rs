//! A native engine with the toolchains of the definitions in `languages/`, and a worker on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::Registry;
use runlog_local::{Testbed, Tools};
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig};
use runlog_sandbox::Engine;
use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine, SpawnerCommand};
use runlog_schemas::{
    Catalog, Chunk, Cursor, Data, ExecutionId, Item, LanguageDefinition, Limits, Measurements,
    Outcome, OutputStream, Priority, SourceFile, Submission,
};
use runlog_worker::{Config, Parts, Toolchains, mounts, warm_hosts};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// An engine, and what it was set up for.
pub(crate) struct Machine {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) languages: Arc<Catalog>,
    pub(crate) toolchains: Toolchains,
}

/// A worker on a log, with that machine.
pub(crate) struct Site {
    pub(crate) log: Log,
    machine: Machine,
    shutdown: CancellationToken,
    done: JoinHandle<Result<(), runlog_worker::Error>>,
    servers: Testbed,
}

/// How an execution went.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) measurements: Measurements,
    pub(crate) chunks: Vec<Chunk>,
}

impl Machine {
    /// With these languages, or all of them.
    pub(crate) async fn start(only: &[&str]) -> Self {
        Self::with(catalog(only), &tools()).await
    }

    /// With these languages, whose tools are in a folder.
    pub(crate) async fn with(languages: Catalog, tools: &Path) -> Self {
        let toolchains = mounts(&languages, tools).await;
        let config = config(&languages, &toolchains);
        let engine = NativeEngine::start(config)
            .await
            .expect("every layer of isolation is there");
        Self {
            engine: Arc::new(engine),
            languages: Arc::new(languages),
            toolchains,
        }
    }
}

/// Where the tools of this machine are.
pub(crate) fn tools() -> PathBuf {
    Tools::folder().unwrap_or_else(|| root().join(".runlog/tools"))
}

/// An engine's, as a worker sets it up.
pub(crate) fn config(languages: &Catalog, toolchains: &Toolchains) -> NativeConfig {
    let mut config = NativeConfig {
        spawner: SpawnerCommand {
            program: env!("CARGO_BIN_EXE_worker-cell-spawner").into(),
            args: Vec::new(),
        },
        ..NativeConfig::new()
    };
    config.mounts = toolchains
        .mounts
        .iter()
        .map(|mount| Mount {
            host: mount.host.clone(),
            inside: mount.inside.clone(),
        })
        .collect();
    config.etc.extend(toolchains.etc.iter().cloned());
    config.warm_hosts = warm_hosts(languages, toolchains);
    config
}

impl Site {
    pub(crate) async fn start(only: &[&str]) -> Self {
        Self::on(Machine::start(only).await).await
    }

    /// On a machine.
    pub(crate) async fn on(machine: Machine) -> Self {
        let mut servers = Testbed::start().await.expect("nats-server starts");
        let config = LogConfig::new(servers.nats().url(), "test");
        let log = Log::connect(&config).await.unwrap();
        let ids: Vec<String> = machine.languages.iter().map(|it| it.id.clone()).collect();
        let wanted = Wanted::of(&ids, Replicas::One);
        streams::apply(&log, &wanted, false, now_ms())
            .await
            .expect("streams are made");
        let shutdown = CancellationToken::new();
        let done = work(&machine, &config, &shutdown).await;
        Self {
            log,
            machine,
            shutdown,
            done,
            servers,
        }
    }

    /// Puts another worker in the place of the one there is; it remembers nothing.
    pub(crate) async fn replace_worker(&mut self) {
        self.shutdown.cancel();
        (&mut self.done).await.unwrap().unwrap();
        let config = LogConfig::new(self.servers.nats().url(), "test");
        self.shutdown = CancellationToken::new();
        self.done = work(&self.machine, &config, &self.shutdown).await;
    }

    pub(crate) async fn submit(&self, submission: &Submission) -> ExecutionId {
        let id = ExecutionId::from_uuid(uuid::Uuid::now_v7());
        self.log
            .append_submission(id, submission, now_ms())
            .await
            .unwrap();
        id
    }

    /// Waits for the end.
    pub(crate) async fn end(&self, id: ExecutionId) -> Ended {
        let mut watch = self.log.watch(id, Cursor::default()).await.unwrap();
        let mut chunks = Vec::new();
        while let Some(shown) = watch.next().await {
            if let Item::Output(batch) = shown.unwrap().item {
                chunks.extend(batch.chunks);
            }
        }
        let leader = runlog_nats::Freshness::Leader;
        let folded = self.log.read_execution(id, leader).await.unwrap().unwrap();
        let end = folded.execution.end().unwrap();
        Ended {
            outcome: end.outcome.clone(),
            measurements: end.measurements.clone().unwrap_or_default(),
            chunks,
        }
    }

    /// Waits until the program has written this.
    pub(crate) async fn until(&self, id: ExecutionId, text: &str) {
        let mut watch = self.log.watch(id, Cursor::default()).await.unwrap();
        let mut written = Vec::new();
        while let Some(shown) = watch.next().await {
            if let Item::Output(batch) = shown.unwrap().item {
                for chunk in &batch.chunks {
                    written.extend(chunk.what.output().map_or(&[][..], |(_, bytes)| bytes));
                }
            }
            if String::from_utf8_lossy(&written).contains(text) {
                return;
            }
        }
        panic!(
            "it ended without {text:?}: {}",
            String::from_utf8_lossy(&written)
        );
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.done.await.unwrap().unwrap();
        self.machine.engine.close().await;
    }
}

/// Starts a worker.
async fn work(
    machine: &Machine,
    config: &LogConfig,
    shutdown: &CancellationToken,
) -> JoinHandle<Result<(), runlog_worker::Error>> {
    let parts = Parts {
        log: Log::connect(config).await.unwrap(),
        engine: Arc::clone(&machine.engine),
        languages: Arc::clone(&machine.languages),
        toolchains: machine.toolchains.clone(),
        registry: Registry::new(),
    };
    let run = runlog_worker::run(Config::new("w", "h"), parts, shutdown.clone());
    TaskTracker::new().spawn(run)
}

impl Ended {
    pub(crate) fn text(&self, stream: OutputStream) -> String {
        let outputs = self.chunks.iter().filter_map(|chunk| chunk.what.output());
        let bytes: Vec<u8> = outputs
            .filter(|(of, _)| *of == stream)
            .flat_map(|(_, bytes)| bytes.to_vec())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The definitions in `languages/`, read as they are.
pub(crate) fn catalog(only: &[&str]) -> Catalog {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join("languages")).unwrap() {
        let path = entry.unwrap().path();
        let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_definition = path.extension().is_some_and(|it| it == "toml");
        if is_definition && (only.is_empty() || only.contains(&id.as_str())) {
            files.push((id, std::fs::read_to_string(&path).unwrap()));
        }
    }
    Catalog::from_toml(files.iter().map(|(id, text)| (id.as_str(), text.as_str()))).unwrap()
}

/// The text of a definition.
pub(crate) fn definition_text(id: &str) -> String {
    std::fs::read_to_string(root().join(format!("languages/{id}.toml"))).unwrap()
}

pub(crate) fn language<'a>(machine: &'a Machine, id: &str) -> &'a LanguageDefinition {
    machine.languages.find(id).expect("it has a definition")
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let worker = Path::new(env!("CARGO_MANIFEST_DIR"));
    worker.parent().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the shell of a test has a clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

pub(crate) fn submission(language: &str, entry: &str, source: &str) -> Submission {
    Submission {
        language: language.to_owned(),
        priority: Priority::Interactive,
        files: vec![SourceFile {
            name: entry.to_owned(),
            content: Data::from(source),
        }],
        entry: entry.to_owned(),
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

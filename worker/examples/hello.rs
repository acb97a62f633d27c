//! How long Python's hello world takes from its submission to its end in the log, beside the bare
//! process. Needs root. `cargo run --release -p runlog-worker --example hello [ROUNDS]`

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use prometheus::Registry;
use runlog_local::{Testbed, Tools};
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig};
use runlog_sandbox::Engine;
use runlog_sandbox::native::{NativeConfig, NativeEngine, spawner_main};
use runlog_schemas::{
    Catalog, Cursor, Data, ExecutionId, Item, Limits, Priority, SourceFile, Submission,
};
use runlog_worker::{Config, Parts, mounts};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SOURCE: &str = "print('hello')\n";

/// Microseconds since 1970 are of no interest here: nothing waits in a queue limit.
const AT_MS: u64 = u64::MAX / 2;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("cell-spawner") {
        let _ = spawner_main();
        return Ok(());
    }
    let rounds = std::env::args().nth(1).map_or(Ok(200), |it| it.parse())?;
    tokio::runtime::Runtime::new()?.block_on(measure(rounds))
}

async fn measure(rounds: usize) -> Result<()> {
    let mut servers = Testbed::start().await?;
    let url = servers.nats().url();
    let log = Log::connect(&LogConfig::new(&url, "bench")).await?;
    let definition = Path::new(env!("CARGO_MANIFEST_DIR")).join("../languages/python.toml");
    let text = std::fs::read_to_string(definition)?;
    let languages = Arc::new(Catalog::from_toml([("python", text.as_str())])?);
    let wanted = Wanted::of(&["python".to_owned()], Replicas::One);
    streams::apply(&log, &wanted, false, 0).await?;
    let tools = Tools::folder().context("no folder of tools")?;
    let toolchains = mounts(&languages, &tools).await;
    let config = Config::new("bench", "bench");
    let engine = NativeEngine::start(NativeConfig {
        parked_cells: config.slots,
        ..NativeConfig::new()
    })
    .await?;
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let parts = Parts {
        log: Log::connect(&LogConfig::new(&url, "worker")).await?,
        engine: Arc::clone(&engine),
        languages,
        toolchains,
        registry: Registry::new(),
    };
    let stop = CancellationToken::new();
    let tracker = TaskTracker::new();
    let worker = tracker.spawn(runlog_worker::run(config, parts, stop.clone()));
    for _ in 0..10 {
        one(&log).await?;
    }
    let (mut bare_times, mut started, mut first, mut ended) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        bare_times.push(bare()?);
        let [at_start, at_first, at_end] = one(&log).await?;
        started.push(at_start);
        first.push(at_first);
        ended.push(at_end);
        // A cell that was taken is replaced meanwhile, as it is between two people.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    report("bare process", &mut bare_times);
    report("to started", &mut started);
    report("to first output", &mut first);
    report("to end", &mut ended);
    let begin = Instant::now();
    try_join_all((0..rounds).map(|_| one(&log))).await?;
    report_rate("through everything", rounds, begin.elapsed());
    let begin = Instant::now();
    let jobs = (0..2)
        .map(|_| std::thread::spawn(move || (0..rounds / 2).try_for_each(|_| bare().map(|_| ()))));
    for job in jobs.collect::<Vec<_>>() {
        job.join()
            .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    report_rate("bare, two at once", rounds, begin.elapsed());
    stop.cancel();
    worker.await??;
    engine.close().await;
    Ok(())
}

/// Time to the start, to the first output and to the end, as a viewer sees them.
async fn one(log: &Log) -> Result<[Duration; 3]> {
    let id = ExecutionId::from_uuid(uuid::Uuid::now_v7());
    let submission = Submission {
        language: "python".to_owned(),
        priority: Priority::Interactive,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from(SOURCE),
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
        queue_limit_ms: u64::MAX,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    };
    let begin = Instant::now();
    log.append_submission(id, &submission, AT_MS).await?;
    let mut times = [Duration::ZERO; 3];
    let mut watch = log.watch(id, Cursor::default()).await?;
    while let Some(shown) = watch.next().await {
        let at = match shown?.item {
            Item::Event(event) if event.change.name() == "started" => 0,
            Item::Event(_) => 2,
            Item::Output(_) => 1,
        };
        times[at] = begin.elapsed();
    }
    Ok(times)
}

fn bare() -> Result<Duration> {
    let begin = Instant::now();
    let output = Command::new("/usr/bin/python3")
        .args(["-c", SOURCE])
        .stdin(Stdio::null())
        .output()?;
    anyhow::ensure!(output.stdout == b"hello\n");
    Ok(begin.elapsed())
}

#[expect(clippy::print_stdout, reason = "a bench prints what it found")]
fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{what:20} p50 {:6.2} ms  p90 {:6.2} ms  p99 {:6.2} ms",
        at(50),
        at(90),
        at(99)
    );
}

#[expect(clippy::print_stdout, reason = "a bench prints what it found")]
fn report_rate(what: &str, runs: usize, took: Duration) {
    let runs = u32::try_from(runs).unwrap_or(u32::MAX);
    println!(
        "{what:20} {:6.1} a second",
        f64::from(runs) / took.as_secs_f64()
    );
}

//! Measures the projector: how fast it folds a backlog, how far it lags behind a steady stream,
//! how long a rebuild takes.
//!
//! `cargo run --release -p runlog-projector --example backlog -- EXECUTIONS OUTPUT_MESSAGES`, with
//! a nats-server and a PostgreSQL of its own. The backlog has four events for each execution, and
//! as many messages of output as are asked for.
#![expect(clippy::print_stdout, reason = "this program is its output")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use async_nats::jetstream;
use futures_util::future::try_join_all;
use prometheus::Registry;
use runlog_local::{Durability, Postgres, PostgresConfig, Testbed, Tools};
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig};
use runlog_projector::{Config, rebuild, run};
use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, ExecutionEvent, ExecutionId, Limits, Measurements, Outcome,
    OutputBatch, OutputDigest, OutputSummary, Priority, SourceFile, Submission, encode_event,
    encode_output, subject,
};
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Executions on their way to the server at once.
const WINDOW: usize = 128;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise: u64| arguments.next().map_or(Ok(otherwise), |it| it.parse());
    let (executions, outputs) = (number(50_000)?, number(0)?);

    let mut servers = Testbed::start().await?;
    let postgres = Postgres::start(PostgresConfig {
        tools: Tools::default(),
        data_dir: servers.path().join("durable"),
        port: None,
        durability: Durability::Durable,
    })
    .await?;
    let url = servers.nats().url();
    let log = Log::connect(&LogConfig::new(&url, "backlog")).await?;
    let wanted = Wanted::of(&["python".to_owned()], Replicas::One);
    streams::apply(&log, &wanted, false, now_ms()).await?;
    let context = jetstream::new(async_nats::connect(&url).await?);

    let began = Instant::now();
    for first in (0..executions).step_by(WINDOW) {
        let numbers = first..executions.min(first + WINDOW as u64);
        try_join_all(numbers.map(|number| publish(&context, number, outputs))).await?;
    }
    report("published", executions * (4 + outputs), began);

    let config = Config::new(postgres.connection_string());
    let registry = Registry::new();
    let stop = CancellationToken::new();
    let projector = run(config.clone(), log.clone(), &registry, stop.clone());
    let watch = async {
        let began = Instant::now();
        let folded = "SELECT last_sequence FROM projector_checkpoints";
        until(&postgres, folded, executions * 4).await?;
        report("events folded", executions * 4, began);
        until(&postgres, "SELECT count(*) FROM recordings", executions).await?;
        report("recordings stored", executions, began);
        steady(&log, executions, &registry).await?;
        stop.cancel();
        anyhow::Ok(())
    };
    let (ran, watched) = tokio::join!(projector, watch);
    ran?;
    watched?;

    let began = Instant::now();
    let done = rebuild(&config, &log, |_| {}).await?;
    report("events rebuilt, with recordings", done.events, began);
    Ok(())
}

/// One execution from its submission to its end.
async fn publish(context: &jetstream::Context, number: u64, outputs: u64) -> anyhow::Result<()> {
    let id = id(number);
    let send = async |subject: String, body: Vec<u8>| {
        let sent = context.publish(subject, body.into()).await?;
        anyhow::Ok(sent.await?.sequence)
    };
    let status = subject::status(id);
    let submit = subject::submit("python", Priority::Api, id);
    send(submit, encode_event(&event(submitted(number)))).await?;
    send(status.clone(), encode_event(&event(started()))).await?;
    let mut digest = OutputDigest::default();
    let mut last = None;
    for number in 0..outputs {
        let batch = output(number);
        batch.chunks.iter().for_each(|chunk| digest.push(chunk));
        last = Some(send(subject::output(id), encode_output(&batch)).await?);
    }
    send(
        status.clone(),
        encode_event(&event(Change::CancelRequested)),
    )
    .await?;
    send(status, encode_event(&event(finished(digest.finish(last))))).await?;
    Ok(())
}

/// A thousand events a second for ten seconds.
async fn steady(log: &Log, from: u64, registry: &Registry) -> anyhow::Result<()> {
    let before = lag(registry);
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    for number in from..from + 5_000 {
        tick.tick().await;
        let Change::Submitted { submission } = submitted(number) else {
            anyhow::bail!("a submission is one");
        };
        let id = id(number);
        log.append_submission(id, &submission, now_ms()).await?;
        let mut started = event(started());
        started.at_ms = now_ms();
        log.append_status(id, 0, &started).await?;
    }
    let after = lag(registry);
    println!("lag behind 1,000 events a second, transactions by upper bound:");
    for ((bound, before), (_, after)) in before.iter().zip(&after) {
        println!("  {:>8.3} s {:>8}", bound, after - before);
    }
    Ok(())
}

fn lag(registry: &Registry) -> Vec<(f64, u64)> {
    registry
        .gather()
        .iter()
        .filter(|family| family.name() == "projector_lag_seconds")
        .flat_map(|family| family.get_metric()[0].get_histogram().get_bucket().to_vec())
        .map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()))
        .collect()
}

async fn until(postgres: &Postgres, question: &str, number: u64) -> anyhow::Result<()> {
    let (client, connection) =
        tokio_postgres::connect(&postgres.connection_string(), NoTls).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection ends with its client"
    )]
    tokio::spawn(connection);
    client.batch_execute("SET search_path TO runlog").await?;
    let number = i64::try_from(number).context("that is too many")?;
    loop {
        // The tables may not be there yet.
        if let Ok(row) = client.query_one(question, &[]).await
            && row.get::<_, i64>(0) >= number
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn report(what: &str, count: u64, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds;
    println!("{count:>9} {what} in {seconds:.2} s: {rate:.0}/s");
}

fn id(number: u64) -> ExecutionId {
    let version_and_variant = (7_u128 << 76) | (2_u128 << 62);
    let time = u128::from(number) << 80;
    ExecutionId::from_uuid(Uuid::from_u128(
        time | version_and_variant | u128::from(number),
    ))
}

fn event(change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms: 1, change }
}

fn submitted(number: u64) -> Change {
    let submission = Submission {
        language: "python".to_owned(),
        priority: Priority::Api,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from(format!("print('hello {number}')\n").as_str()),
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
        session: Some(format!("session-{}", number % 1_000)),
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    };
    Change::Submitted {
        submission: Box::new(submission),
    }
}

fn started() -> Change {
    Change::Started {
        attempt: 1,
        worker: "worker-1".to_owned(),
    }
}

fn output(number: u64) -> OutputBatch {
    let chunk = Chunk {
        number,
        at_us: number,
        what: ChunkKind::Stdout {
            data: Data::from(format!("hello {number}\n").as_str()),
        },
    };
    OutputBatch {
        attempt: 1,
        chunks: vec![chunk],
    }
}

fn finished(output: OutputSummary) -> Change {
    Change::Finished {
        attempt: 1,
        outcome: Outcome::Exited { code: 0 },
        measurements: Box::new(Measurements {
            engine: "native".to_owned(),
            ..Measurements::default()
        }),
        output: Box::new(output),
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

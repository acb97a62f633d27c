//! Hello worlds a second through everything, beside those of bare processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use runlog_client::{Client, Waited};
use runlog_schemas::api::{Completed, HistoryQuery, Status};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::bare::{Bare, HELLO, HELLO_OUTPUT};
use crate::check;
use crate::latency::python;
use crate::report::{Figure, Report, say};
use crate::stats::{Samples, median};
use crate::system::System;

/// How throughput is measured.
#[derive(Args, Debug)]
pub(crate) struct ThroughputArgs {
    /// How often both are measured, one after the other
    #[arg(long, default_value_t = ThroughputArgs::default().rounds)]
    rounds: u32,
    /// How long each is measured, in seconds
    #[arg(long, default_value_t = ThroughputArgs::default().seconds)]
    seconds: u64,
    /// Submissions that wait for their end at once
    #[arg(long, default_value_t = ThroughputArgs::default().at_once)]
    at_once: usize,
}

impl Default for ThroughputArgs {
    fn default() -> Self {
        Self {
            rounds: 5,
            seconds: 4,
            at_once: 8 * crate::machine::cores(),
        }
    }
}

/// The longest that one may wait for its end.
const WAIT: Duration = Duration::from_secs(30);

/// How long the history may take to catch up.
const CATCH_UP: Duration = Duration::from_secs(30);

/// Rounds of bare processes and of Runlog in turn, so that what else the machine does hits both.
pub(crate) async fn measure(
    args: &ThroughputArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    say("throughput, in turn with bare processes");
    let time = Duration::from_secs(args.seconds);
    let bare = Arc::new(Bare::new()?);
    let session = format!("loadtest-{}", std::process::id());
    let (mut alone, mut whole, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut count, mut samples) = (0, Samples::new());
    for _ in 0..args.rounds {
        let bare = Arc::clone(&bare);
        let bare_rate = spawn_blocking(move || bare.rate(time)).await??;
        let round = Round::run(system.client(), &session, args.at_once, time).await?;
        count += round.count;
        samples.add(&round.samples);
        alone.push(bare_rate);
        whole.push(round.rate);
        ratios.push(round.rate / bare_rate);
    }
    history_has(count, &session, system.client()).await?;
    let rounds = u64::from(args.rounds);
    report.add(Figure::single(
        "hellos_bare",
        "per s",
        rounds,
        median(&alone),
    ));
    report.add(Figure::single("hellos", "per s", count, median(&whole)));
    report.add(Figure::times("hello_under_full_load", &samples));
    let ratio = Figure::single("hellos_ratio_to_bare", "x", rounds, median(&ratios));
    report.add(ratio.at_least("value", 0.5));
    Ok(())
}

/// One round of Runlog.
struct Round {
    count: u64,
    rate: f64,
    samples: Samples,
}

impl Round {
    async fn run(
        client: &Client,
        session: &str,
        at_once: usize,
        time: Duration,
    ) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let count = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..at_once {
            let (client, session, count) = (client.clone(), session.to_owned(), Arc::clone(&count));
            tasks.spawn(async move {
                let mut samples = Samples::new();
                while begin.elapsed() < time {
                    let begin = Instant::now();
                    hello(&client, &session).await?;
                    samples.record(begin.elapsed());
                    count.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(samples)
            });
        }
        let mut samples = Samples::new();
        while let Some(done) = tasks.join_next().await {
            samples.add(&done??);
        }
        let count = count.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let rate = count as f64 / begin.elapsed().as_secs_f64();
        Ok(Self {
            count,
            rate,
            samples,
        })
    }
}

async fn hello(client: &Client, session: &str) -> anyhow::Result<()> {
    let mut request = python(HELLO);
    request.session = Some(session.to_owned());
    match client.submit_and_wait(&request, WAIT).await? {
        Waited::Completed(completed) => complete(&completed),
        Waited::Accepted(accepted) => bail!("{} did not end in time", accepted.id),
    }
}

fn complete(completed: &Completed) -> anyhow::Result<()> {
    let Completed { execution, output } = completed;
    check::success(execution)?;
    let told = execution.output.as_ref().context("an end without output")?;
    ensure!(
        output.complete && !output.cut,
        "an output that is not all of it"
    );
    ensure!(
        output.stdout.0 == HELLO_OUTPUT,
        "{} printed something else",
        execution.id
    );
    ensure!(output.stderr.0.is_empty(), "{} wrote errors", execution.id);
    ensure!(
        told.stdout.bytes == HELLO_OUTPUT.len() as u64,
        "the end tells of other output"
    );
    Ok(())
}

/// Everything that was accepted must come to stand in the history, ended, once.
async fn history_has(count: u64, session: &str, client: &Client) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let found = ended(session, client).await?;
        if found == count {
            return Ok(());
        }
        ensure!(
            found < count,
            "the history has {found} of {count} executions"
        );
        if begin.elapsed() > CATCH_UP {
            bail!("the history has {found} of {count} executions, after a long wait");
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn ended(session: &str, client: &Client) -> anyhow::Result<u64> {
    let mut query = HistoryQuery {
        session: Some(session.to_owned()),
        status: Some(Status::Ended),
        limit: Some(200),
        ..HistoryQuery::default()
    };
    let mut found = 0;
    loop {
        let page = client.list(&query).await?;
        found += page.executions.len() as u64;
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(found),
        }
    }
}

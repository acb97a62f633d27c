//! The log and its readers, on servers of their own, without edge and worker: how fast a backlog
//! is folded, how far the read models lag, how long it takes to make them again and to check them.

mod backlog;
mod history;
mod lag;
mod retained;
mod stage;
mod story;
mod write;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::machine::wall_ms;
use crate::report::{Figure, Report};
use stage::{Stage, Taken};

pub(crate) use history::{HistoryArgs, measure as measure_history};
pub(crate) use retained::{RetainedArgs, measure as measure_retained};

/// The figures are for so many events.
const MILLION: u64 = 1_000_000;

/// What stands in the log.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    /// Events in the log, three for each execution; its output comes on top
    #[arg(long, default_value_t = MILLION)]
    events: u64,
    /// Seconds for which the lag behind 1,000 events a second is measured
    #[arg(long, default_value_t = 20)]
    lag_seconds: u64,
}

impl LogArgs {
    /// A size that takes less than a minute.
    pub(crate) const fn small() -> Self {
        Self {
            events: 120_000,
            lag_seconds: 5,
        }
    }
}

/// A backlog, the lag, a rebuild and a check of the same log.
pub(crate) async fn measure(
    args: &LogArgs,
    program: PathBuf,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut stage = Stage::start(program).await?;
    let executions = args.events.div_ceil(story::EVENTS);
    let log = stage.log().await?;
    // As if the last of them had just been run.
    let first_ms = wall_ms() - executions;
    write::write(&log, 0..executions, first_ms).await?;
    stage.start_postgres().await?;
    let projector = backlog::measure(&stage, executions, report).await?;
    lag::measure(&stage, executions, args.lag_seconds, report).await?;
    crate::system::end(projector).await?;
    let events = log.last_sequence().await?;
    rebuild(&stage, events, report).await?;
    verify(&stage, events, report).await
}

async fn rebuild(stage: &Stage, events: u64, report: &mut Report) -> anyhow::Result<()> {
    let before = stage.postgres_cpu()?;
    let taken = stage.measure(&["projector", "rebuild", "--quiet"]).await?;
    let postgres = stage.postgres_cpu()?.saturating_sub(before);
    report.add(per_million("rebuild", events, &taken, 30.0));
    report.add(cpu_of("rebuild_cpu", events, taken.cpu));
    report.add(cpu_of("rebuild_cpu_postgres", events, postgres));
    Ok(())
}

async fn verify(stage: &Stage, events: u64, report: &mut Report) -> anyhow::Result<()> {
    let taken = stage.measure(&["verify", "--settled", "--quiet"]).await?;
    report.add(per_million("verify", events, &taken, 60.0));
    report.add(cpu_of("verify_cpu", events, taken.cpu));
    let megabytes = megabytes(taken.peak_bytes);
    report.add(Figure::single("verify_memory", "MB", events, megabytes).at_most("value", 300.0));
    Ok(())
}

/// The time for a million events, as far as fewer tell.
fn per_million(name: &'static str, events: u64, taken: &Taken, limit: f64) -> Figure {
    let seconds = taken.time.as_secs_f64() * ratio(MILLION, events);
    Figure::single(name, "s per million events", events, seconds).at_most("value", limit)
}

/// CPU time for each event.
fn cpu_of(name: &'static str, events: u64, cpu: Duration) -> Figure {
    let each = cpu.as_secs_f64() * 1e6 * ratio(1, events);
    Figure::single(name, "us per event", events, each)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other as f64
}

fn megabytes(bytes: u64) -> f64 {
    ratio(bytes, 1_000_000)
}

//! What the nats-server takes while executions are retained, and how long it reads when it starts.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use runlog_nats::{Log, LogConfig};
use tokio::time::{Instant, sleep};

use super::stage::Stage;
use super::{megabytes, ratio, write};
use crate::machine::wall_ms;
use crate::processes;
use crate::report::{Figure, Report};

/// What the server lets go of by itself.
const SETTLE: Duration = Duration::from_secs(15);

/// How much is retained.
#[derive(Args, Debug)]
pub(crate) struct RetainedArgs {
    /// Executions in the log, each of three events and one message of output
    #[arg(long, default_value_t = 1_000_000)]
    executions: u64,
}

impl RetainedArgs {
    /// A size that takes less than a minute.
    pub(crate) const fn small() -> Self {
        Self { executions: 50_000 }
    }
}

/// Memory while it runs, after a clean end and after a crash, and the time of both starts.
pub(crate) async fn measure(
    args: &RetainedArgs,
    program: PathBuf,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut stage = Stage::start(program).await?;
    let executions = args.executions;
    let empty = resident(&stage)?;
    let log = stage.log().await?;
    write::fill(&log, executions, wall_ms() - executions).await?;
    sleep(SETTLE).await;
    let mut add = |name, unit, value| report.add(Figure::single(name, unit, executions, value));
    let live = resident(&stage)?;
    add("nats_memory", "MB", megabytes(live));
    let each = ratio(live.saturating_sub(empty), executions);
    add("nats_memory_each", "bytes per execution", each);
    let disk = bytes(&log).await?;
    add(
        "nats_disk_each",
        "bytes per execution",
        ratio(disk, executions),
    );
    drop(log);

    let seconds = restart(&mut stage, false).await?;
    add("nats_restart", "s", seconds);
    add("nats_restart_memory", "MB", megabytes(resident(&stage)?));
    let seconds = restart(&mut stage, true).await?;
    add("nats_restart_killed", "s", seconds);
    add(
        "nats_restart_killed_memory",
        "MB",
        megabytes(resident(&stage)?),
    );
    Ok(())
}

/// Ends the server and starts it, until its log answers. The seconds from its start on.
async fn restart(stage: &mut Stage, killed: bool) -> anyhow::Result<f64> {
    if killed {
        stage.nats.kill().await?;
    } else {
        stage.nats.stop().await?;
    }
    let began = Instant::now();
    stage.nats.restart().await?;
    let config = LogConfig::new(stage.nats.url(), "loadtest");
    Log::connect(&config).await?.ping().await?;
    let seconds = began.elapsed().as_secs_f64();
    sleep(SETTLE).await;
    Ok(seconds)
}

async fn bytes(log: &Log) -> anyhow::Result<u64> {
    let mut sum = 0;
    for stream in ["EXECUTIONS", "OUTPUT"] {
        sum += log.bounds(stream).await?.bytes;
    }
    Ok(sum)
}

fn resident(stage: &Stage) -> anyhow::Result<u64> {
    let pid = stage.nats.pid().context("the nats-server has ended")?;
    processes::resident(pid).context("its memory cannot be read")
}

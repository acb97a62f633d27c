//! Memory and CPU while nothing happens.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::time::{Instant, sleep};

use crate::processes;
use crate::report::{Figure, Report};
use crate::system::System;

/// How idleness is measured.
#[derive(Args, Debug)]
pub(crate) struct IdleArgs {
    /// How long it is watched, in seconds
    #[arg(long, default_value_t = IdleArgs::default().seconds)]
    seconds: u64,
}

impl Default for IdleArgs {
    fn default() -> Self {
        Self { seconds: 20 }
    }
}

/// Edge, worker and projector together, with the sandboxes that wait ready.
pub(crate) async fn measure(
    args: &IdleArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pid = system.pid();
    let pid = pid.context("idleness is measured on an own system only, without --url")?;
    // What the start has left to do.
    sleep(Duration::from_secs(5)).await;
    let begin = Instant::now();
    let before = processes::family(pid)?;
    sleep(Duration::from_secs(args.seconds)).await;
    let after = processes::family(pid)?;
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let percent = 100.0 * cpu / begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "shown in megabytes")]
    let megabytes = after.memory_bytes as f64 / 1e6;
    let count = u64::from(after.processes);
    report.add(Figure::single("idle_memory", "MB", count, megabytes).at_most("value", 100.0));
    report.add(Figure::single("idle_cpu", "%", count, percent).at_most("value", 2.0));
    Ok(())
}

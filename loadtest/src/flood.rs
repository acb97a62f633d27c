//! What a flood of background work costs those who wait: the same hello worlds with and without
//! it, in turns, so that whatever else the machine does touches both alike.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use runlog_client::{Client, Waited};
use runlog_schemas::api::Status;
use runlog_schemas::{ExecutionId, Priority};

use crate::bare::{HELLO, HELLO_OUTPUT};
use crate::latency::python;
use crate::report::{Figure, Report, say};
use crate::stats::Samples;
use crate::system::System;

/// How the cost of a flood is measured.
#[derive(Args, Debug)]
pub(crate) struct FloodArgs {
    /// Rounds without the flood and with it
    #[arg(long, default_value_t = FloodArgs::default().rounds)]
    rounds: u32,
    /// Interactive hello worlds in each round, with and without
    #[arg(long, default_value_t = FloodArgs::default().hellos)]
    hellos: u32,
    /// Background programs that compute, waiting or running during a round
    #[arg(long, default_value_t = FloodArgs::default().flood)]
    flood: u32,
}

impl Default for FloodArgs {
    fn default() -> Self {
        Self {
            rounds: 5,
            hellos: 100,
            flood: 40,
        }
    }
}

/// Computes for longer than a round takes.
const COMPUTE: &str = "
while True:
    pass
";

/// The longest that a flood's program may run, in milliseconds.
const LONGEST_MS: u64 = 60_000;

/// How long one hello world may take.
const WAIT: Duration = Duration::from_secs(60);

/// The p99 with the flood, beside the one without.
pub(crate) async fn measure(
    args: &FloodArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    say("interactive hello worlds, without and with a flood of background work");
    let client = system.client();
    for _ in 0..20 {
        hello(client).await.context("warming up")?;
    }
    let (mut calm, mut flooded) = (Samples::new(), Samples::new());
    for _ in 0..args.rounds {
        round(args.hellos, client, &mut calm).await?;
        let flood = begin(args.flood, client).await.context("the flood")?;
        round(args.hellos, client, &mut flooded).await?;
        end(&flood, client).await.context("the end of the flood")?;
    }
    let ratio = flooded.percentile_ms(99.0) / calm.percentile_ms(99.0);
    report.add(Figure::times("interactive_alone", &calm));
    report.add(Figure::times("interactive_in_a_background_flood", &flooded));
    report.add(
        Figure::single("background_flood_ratio_p99", "x", flooded.count(), ratio)
            .at_most("value", 1.2),
    );
    Ok(())
}

async fn round(count: u32, client: &Client, samples: &mut Samples) -> anyhow::Result<()> {
    for _ in 0..count {
        let begin = Instant::now();
        hello(client).await?;
        samples.record(begin.elapsed());
    }
    Ok(())
}

async fn hello(client: &Client) -> anyhow::Result<()> {
    let mut request = python(HELLO);
    request.priority = Priority::Interactive;
    let Waited::Completed(completed) = client.submit_and_wait(&request, WAIT).await? else {
        anyhow::bail!("a hello world did not end in time");
    };
    ensure!(
        completed.output.stdout.0 == HELLO_OUTPUT,
        "it printed something else"
    );
    Ok(())
}

/// Sends the flood, and returns when some of it runs.
async fn begin(count: u32, client: &Client) -> anyhow::Result<Vec<ExecutionId>> {
    let mut request = python(COMPUTE);
    request.priority = Priority::Background;
    request.limits.wall_ms = Some(LONGEST_MS);
    request.limits.cpu_ms = Some(LONGEST_MS);
    let mut flood = Vec::new();
    for _ in 0..count {
        flood.push(client.submit(&request, None).await?.id);
    }
    let first = *flood.first().context("a flood of nothing")?;
    while client.get(first).await?.status == Status::Queued {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(flood)
}

/// Ends what waits and what runs.
async fn end(flood: &[ExecutionId], client: &Client) -> anyhow::Result<()> {
    // From behind, so that nothing of it begins meanwhile.
    for id in flood.iter().rev() {
        let cancelled = client.cancel(*id).await;
        let ended =
            |error: &runlog_client::Error| error.problem().is_some_and(|it| it.status == 409);
        match cancelled {
            Ok(_) => {}
            Err(error) if ended(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for id in flood {
        while client.get(*id).await?.status != Status::Ended {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

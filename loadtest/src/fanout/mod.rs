//! Many viewers of one execution: nobody misses a byte, and the edge stays small.
//!
//! All viewers get the same events, so each distinct event is read once and shared; what each
//! viewer is compared by is still every number and every byte that it got itself.

mod crowd;
mod peak;
mod script;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::{ViewerMessage, ViewerRequest};
use runlog_schemas::{ChunkKind, Data, ExecutionId, OutputStream};

use self::crowd::{Crowd, Seen};
use self::peak::Peak;
use crate::check;
use crate::latency::python;
use crate::processes;
use crate::report::{Figure, Report, say};
use crate::system::System;

/// How the fan-out is measured.
#[derive(Args, Debug)]
pub(crate) struct FanoutArgs {
    /// How many watch
    #[arg(long, default_value_t = FanoutArgs::default().viewers)]
    viewers: usize,
    /// How long the program prints 100 lines a second, in seconds
    #[arg(long, default_value_t = FanoutArgs::default().seconds, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,
}

impl Default for FanoutArgs {
    fn default() -> Self {
        Self {
            viewers: 2_000,
            seconds: 10,
        }
    }
}

/// Prints 100 lines a second once it is told to, each with its time.
const LINES: &str = "\
import sys, time
input()
begin = time.monotonic()
for number in range(int(sys.argv[1])):
    time.sleep(max(0, begin + number / 100 - time.monotonic()))
    print(f'{number:06}', time.monotonic_ns(), flush=True)
";

/// Watches with many, on an edge of its own process where there is one.
pub(crate) async fn measure(
    args: &FanoutArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    let edge = system.edge().await?;
    let client = edge.as_ref().map_or(system.client(), |it| &it.client);
    let before = edge.as_ref().and_then(|it| processes::resident(it.pid));
    // An edge that has just begun may not know yet which languages there are.
    let id = submit(args.seconds, system.client()).await?;
    say(&format!("{} viewers of {id}", args.viewers));
    let crowd = Crowd::gather(args.viewers, client, id).await?;
    let peak = Peak::of(edge.as_ref().map(|it| it.pid));
    start(client, id).await?;
    let seen = crowd.leave().await?;
    let peak = peak.end().await;
    compare(&seen, args, client, id).await?;
    let viewers = args.viewers as u64;
    report.add(Figure::times("fanout_output_to_sse", &seen.samples));
    report.add(Figure::single(
        "fanout_resumed",
        "viewers",
        viewers,
        f64::from(seen.resumed),
    ));
    if let (Some(before), Some(peak)) = (before, peak) {
        let megabytes = to_megabytes(peak);
        report.add(Figure::single(
            "fanout_edge_before",
            "MB",
            1,
            to_megabytes(before),
        ));
        report.add(Figure::single("fanout_edge", "MB", viewers, megabytes).at_most("value", 200.0));
    }
    match edge {
        Some(edge) => edge.stop().await,
        None => Ok(()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown in megabytes")]
fn to_megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

async fn submit(seconds: u64, client: &Client) -> anyhow::Result<ExecutionId> {
    let mut request = python(LINES);
    request.args = vec![(seconds * 100).to_string()];
    request.interactive = true;
    request.limits.wall_ms = Some(60_000);
    Ok(client.submit(&request, None).await?.id)
}

/// Tells the program to begin.
async fn start(client: &Client, id: ExecutionId) -> anyhow::Result<()> {
    let mut session = client.session(id, None);
    loop {
        let message = session.next().await.context("it ended before it began")??;
        if let ViewerMessage::Output { batch, .. } = message
            && batch
                .chunks
                .iter()
                .any(|it| matches!(it.what, ChunkKind::Phase { .. }))
        {
            break;
        }
    }
    let data = Data::from("go\n");
    ensure!(
        session.send(&ViewerRequest::Stdin { data }).await,
        "the connection is lost"
    );
    loop {
        match session.next().await.context("it did not begin")?? {
            ViewerMessage::Output { batch, .. }
                if batch
                    .chunks
                    .iter()
                    .any(|it| matches!(it.what, ChunkKind::Input { .. })) =>
            {
                return Ok(());
            }
            ViewerMessage::Error { code, message } => bail!("it was not told: {code}: {message}"),
            _ => {}
        }
    }
}

/// What was seen must be what was recorded.
async fn compare(
    seen: &Seen,
    args: &FanoutArgs,
    client: &Client,
    id: ExecutionId,
) -> anyhow::Result<()> {
    let end = client.get(id).await?;
    check::success(&end)?;
    let recorded = client.output_bytes(id, OutputStream::Stdout).await?;
    ensure!(
        *recorded == *seen.stdout,
        "the viewers saw other bytes than were recorded"
    );
    let lines = std::str::from_utf8(&recorded)?.lines().count() as u64;
    ensure!(lines == args.seconds * 100, "{lines} lines were printed");
    Ok(())
}

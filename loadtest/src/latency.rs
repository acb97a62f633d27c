//! How long things take, one at a time or at a gentle rate.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::{ExecutionView, SubmitRequest, ViewerMessage};
use runlog_schemas::{ChunkKind, ExecutionId};
use tokio::task::JoinSet;

use crate::bare::{Bare, HELLO, HELLO_OUTPUT};
use crate::check::Viewer;
use crate::machine::monotonic;
use crate::report::{Figure, Report, say};
use crate::stats::Samples;
use crate::system::System;

/// How latencies are measured.
#[derive(Args, Debug)]
pub(crate) struct LatencyArgs {
    /// Submissions at 100 a second
    #[arg(long, default_value_t = LatencyArgs::default().submissions)]
    submissions: u32,
    /// Hello worlds one after the other, each beside a bare process
    #[arg(long, default_value_t = LatencyArgs::default().hellos)]
    hellos: u32,
    /// Lines whose way to the viewer is timed
    #[arg(long, default_value_t = LatencyArgs::default().lines)]
    lines: u32,
}

impl Default for LatencyArgs {
    fn default() -> Self {
        Self {
            submissions: 1_000,
            hellos: 300,
            lines: 1_000,
        }
    }
}

/// Time between two submissions.
const INTERVAL: Duration = Duration::from_millis(10);

/// Lines that one program prints.
const LINES_EACH: u32 = 250;

/// Prints when it prints, on the clock that we read too.
const CLOCK: &str = "\
import sys, time
for _ in range(int(sys.argv[1])):
    time.sleep(0.02)
    print(time.monotonic_ns(), flush=True)
";

/// A program in Python.
pub(crate) fn python(source: &str) -> SubmitRequest {
    SubmitRequest {
        language: "python".to_owned(),
        source: Some(source.to_owned()),
        ..SubmitRequest::default()
    }
}

/// All three latencies.
pub(crate) async fn measure(
    args: &LatencyArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    let client = system.client();
    // Connections, caches, the first cells.
    for _ in 0..20 {
        hello(client).await.context("warming up")?;
    }
    hellos(args.hellos, client, report)
        .await
        .context("hello worlds")?;
    lines(args.lines, client, report)
        .await
        .context("timed lines")?;
    submissions(args.submissions, client, report)
        .await
        .context("submissions")
}

/// `POST` to 202, at 100 a second; afterwards every one of them must have run.
async fn submissions(count: u32, client: &Client, report: &mut Report) -> anyhow::Result<()> {
    say("submissions at 100 a second");
    let mut tasks = JoinSet::new();
    let begin = tokio::time::Instant::now();
    for number in 0..count {
        tokio::time::sleep_until(begin + INTERVAL * number).await;
        let client = client.clone();
        tasks.spawn(async move {
            let begin = Instant::now();
            let accepted = client.submit(&python(HELLO), None).await;
            (accepted, begin.elapsed())
        });
    }
    let mut samples = Samples::new();
    let mut ids = Vec::new();
    for (accepted, took) in tasks.join_all().await {
        ids.push(accepted?.id);
        samples.record(took);
    }
    for id in ids {
        let (_, stdout) = watch(client, id).await?;
        ensure!(stdout == HELLO_OUTPUT, "{id} printed something else");
    }
    report.add(Figure::times("post_to_202_at_100_per_s", &samples).at_most("p99", 5.0));
    Ok(())
}

/// `POST` to the terminal event at an SSE client, each beside a bare process.
async fn hellos(count: u32, client: &Client, report: &mut Report) -> anyhow::Result<()> {
    say("hello worlds, each beside a bare process");
    let bare = Bare::new()?;
    let (mut whole, mut alone, mut queued) = (Samples::new(), Samples::new(), Samples::new());
    for _ in 0..count {
        alone.record(bare.run()?);
        let begin = Instant::now();
        let end = hello(client).await?;
        whole.record(begin.elapsed());
        let used = end.measurements.context("an end without measurements")?;
        queued.record(Duration::from_micros(used.queued_us));
    }
    let ratio = whole.percentile_ms(50.0) / alone.percentile_ms(50.0);
    report.add(Figure::times("hello_bare_process", &alone));
    report.add(Figure::times("hello_post_to_end_at_sse", &whole));
    report.add(Figure::times("hello_in_queue", &queued));
    report.add(
        Figure::single("hello_ratio_to_bare_p50", "x", whole.count(), ratio).at_most("value", 2.0),
    );
    Ok(())
}

async fn hello(client: &Client) -> anyhow::Result<Box<ExecutionView>> {
    let accepted = client.submit(&python(HELLO), None).await?;
    let (end, stdout) = watch(client, accepted.id).await?;
    ensure!(
        stdout == HELLO_OUTPUT,
        "{} printed something else",
        accepted.id
    );
    Ok(end)
}

/// Watches to the end, and checks all of it.
pub(crate) async fn watch(
    client: &Client,
    id: ExecutionId,
) -> anyhow::Result<(Box<ExecutionView>, Vec<u8>)> {
    let mut viewer = Viewer::default();
    let mut events = client.events(id, None);
    while let Some(message) = events.next().await {
        viewer.on(&message?)?;
    }
    viewer.finish()
}

/// From a program's write to an SSE client.
async fn lines(count: u32, client: &Client, report: &mut Report) -> anyhow::Result<()> {
    say("lines, from the program to its viewer");
    let mut samples = Samples::new();
    for _ in 0..count.div_ceil(LINES_EACH) {
        let mut request = python(CLOCK);
        request.args = vec![LINES_EACH.to_string()];
        let accepted = client.submit(&request, None).await?;
        let mut viewer = Viewer::default();
        let mut events = client.events(accepted.id, None);
        while let Some(message) = events.next().await {
            let message = message?;
            record_lines(&message, monotonic(), &mut samples)?;
            viewer.on(&message)?;
        }
        viewer.finish()?;
    }
    let expected = u64::from(count.div_ceil(LINES_EACH) * LINES_EACH);
    ensure!(
        samples.count() == expected,
        "{} of {expected} lines",
        samples.count()
    );
    report.add(
        Figure::times("output_to_sse", &samples)
            .at_most("p50", 3.0)
            .at_most("p99", 15.0),
    );
    Ok(())
}

/// Lines are short and flushed one by one, so none is split between two chunks.
fn record_lines(
    message: &ViewerMessage,
    now: Duration,
    samples: &mut Samples,
) -> anyhow::Result<()> {
    let ViewerMessage::Output { batch, .. } = message else {
        return Ok(());
    };
    for chunk in &batch.chunks {
        let ChunkKind::Stdout { data } = &chunk.what else {
            continue;
        };
        for line in String::from_utf8(data.0.clone())?.lines() {
            let written = Duration::from_nanos(line.parse().context("not a time")?);
            let took = now.checked_sub(written);
            samples.record(took.context("a line came before it was written")?);
        }
    }
    Ok(())
}

//! Many runs of every kind at once: each must end as it should, and nothing must be left of them.

mod held;
mod programs;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::{Status, ViewerMessage};
use runlog_schemas::{ChunkKind, ExecutionId};
use tokio::task::JoinSet;

use self::held::Held;
use crate::report::{Figure, Report, say};
use crate::system::System;

/// How a mixed load is made.
#[derive(Args, Debug)]
pub(crate) struct MixedArgs {
    /// How many programs are run
    #[arg(long, default_value_t = MixedArgs::default().runs)]
    runs: u64,
    /// How many of them at once, in the queue or running
    #[arg(long, default_value_t = MixedArgs::default().at_once)]
    at_once: usize,
}

impl Default for MixedArgs {
    fn default() -> Self {
        Self {
            runs: 10_000,
            at_once: 8 * crate::machine::cores(),
        }
    }
}

impl MixedArgs {
    /// Fewer of them, for a figure among many.
    pub(crate) fn small() -> Self {
        Self {
            runs: 2_000,
            ..Self::default()
        }
    }
}

/// As many are run before what is held is first looked at: pools and caches fill.
const FIRST: u64 = 300;

/// Runs that end differently are told, up to this number.
const TOLD: usize = 20;

/// Runs all of them and looks at what they left.
pub(crate) async fn measure(
    args: &MixedArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pid = system.pid();
    let pid = pid.context("a mixed load is for an own system only, without --url")?;
    let mut wrong = run(0..FIRST, args.at_once, system.client()).await?;
    // Not what is held right after a load, but what an idle service holds.
    tokio::time::sleep(std::time::Duration::from_secs(150)).await;
    let before = Held::look(pid)?;
    say(&format!(
        "{} runs of {} kinds, {} at once; now {before:?}",
        args.runs,
        programs::KINDS.len(),
        args.at_once
    ));
    let begin = Instant::now();
    wrong.extend(run(FIRST..FIRST + args.runs, args.at_once, system.client()).await?);
    let seconds = begin.elapsed().as_secs_f64();
    let after = Held::settle(pid, &before).await?;
    for (number, reason) in wrong.iter().take(TOLD) {
        say(&format!(
            "run {number}, {}: {reason}",
            programs::kind(*number).name
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
    let (rate, bad) = (args.runs as f64 / seconds, wrong.len() as f64);
    report.add(Figure::single("mixed_rate", "1/s", args.runs, rate));
    report.add(Figure::single("mixed_wrong_ends", "", args.runs, bad).at_most("value", 0.0));
    after.report(&before, args.runs, report);
    ensure!(
        wrong.is_empty(),
        "{} runs did not end as they should",
        wrong.len()
    );
    Ok(())
}

/// Runs these; gives those that ended differently, and how.
async fn run(
    numbers: std::ops::Range<u64>,
    at_once: usize,
    client: &Client,
) -> anyhow::Result<BTreeMap<u64, String>> {
    let mut running = JoinSet::new();
    let mut wrong = BTreeMap::new();
    for number in numbers {
        if running.len() >= at_once {
            take(running.join_next().await, &mut wrong)?;
        }
        let client = client.clone();
        running.spawn(async move { (number, one(&client, number).await) });
    }
    while let Some(done) = running.join_next().await {
        take(Some(done), &mut wrong)?;
    }
    Ok(wrong)
}

type Done = (u64, anyhow::Result<Option<String>>);

fn take(
    done: Option<Result<Done, tokio::task::JoinError>>,
    wrong: &mut BTreeMap<u64, String>,
) -> anyhow::Result<()> {
    let (number, judged) = done.context("nothing runs")??;
    match judged {
        Ok(None) => {}
        Ok(Some(reason)) => drop(wrong.insert(number, reason)),
        Err(error) => drop(wrong.insert(number, format!("{error:#}"))),
    }
    Ok(())
}

/// Runs one to its end; gives what was wrong with it.
async fn one(client: &Client, number: u64) -> anyhow::Result<Option<String>> {
    let kind = programs::kind(number);
    let accepted = client.submit(&kind.request(number)?, None).await?;
    let (end, stdout) = watch(client, accepted.id).await?;
    Ok(kind.judge(number, &end, &stdout))
}

async fn watch(
    client: &Client,
    id: ExecutionId,
) -> anyhow::Result<(Box<runlog_schemas::api::ExecutionView>, Vec<u8>)> {
    let mut events = client.events(id, None);
    let mut stdout = Vec::new();
    while let Some(message) = events.next().await {
        match message? {
            ViewerMessage::Output { batch, .. } => {
                for chunk in &batch.chunks {
                    if let ChunkKind::Stdout { data } = &chunk.what {
                        stdout.extend_from_slice(&data.0);
                    }
                }
            }
            ViewerMessage::Event { execution, .. } if execution.status == Status::Ended => {
                return Ok((execution, stdout));
            }
            ViewerMessage::Event { .. } => {}
            ViewerMessage::Error { code, .. } => anyhow::bail!("an error: {code}"),
            ViewerMessage::Resume { .. } => anyhow::bail!("a resume that was not followed"),
        }
    }
    anyhow::bail!("no terminal event")
}

//! Breaks everything while people work, and counts what they notice.
//!
//! ```text
//! measure
//!   ├─ inject   a fault every now and then, each mended by a task of its own
//!   └─ drivers  submit, cancel, watch; each checks what it sees
//! then, mended: verify, and the table
//! ```

mod disk;
mod driver;
mod fault;
mod inject;
mod leader;
mod points;
mod program;
mod proxy;
mod rolling;
mod service;
mod stage;
mod tally;
mod viewer;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::ExecutionView;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use self::driver::{ACCEPTED, Driver};
use self::fault::Killed;
use self::inject::{Pace, Plan, inject};
use self::stage::Stage;
use self::tally::{Counts, Tally, Wrong};
use crate::machine::Machine;
use crate::report::{print_line, say};

pub(crate) use self::disk::own_mounts;

/// How everything is broken.
#[derive(Args, Debug)]
pub(crate) struct ChaosArgs {
    /// How many programs are run
    #[arg(long, default_value_t = 300)]
    executions: u64,
    /// Send programs for so many seconds, however many that are
    #[arg(long, conflicts_with = "executions")]
    seconds: Option<u64>,
    /// How many people send and watch at once
    #[arg(long, default_value_t = 12)]
    people: u64,
    /// Time between two faults, in seconds; 0 breaks nothing
    #[arg(long, default_value_t = 2.0)]
    every: f64,
    /// Chooses the same faults again
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Give up after so many seconds: whoever still waits then has lost something
    #[arg(long, default_value_t = 1_800)]
    patience: u64,
    /// Three nats-servers and three copies instead of one
    #[arg(long)]
    cluster: bool,
    /// What is done to everything
    #[arg(long, value_enum, default_value_t = Plan::Faults)]
    plan: Plan,
}

/// The answer of `runlog verify --json`.
#[derive(Debug, Deserialize)]
struct Verified {
    ok: bool,
    checked: Checked,
    findings: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Checked {
    executions: u64,
    rows: u64,
    recordings_due: u64,
}

/// Everything as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    machine: Machine,
    clean: bool,
    seconds: u64,
    #[serde(flatten)]
    counts: &'a Counts,
}

/// Runs it all; `false` where something must be zero and is not.
pub(crate) async fn measure(
    args: &ChaosArgs,
    program: PathBuf,
    json: Option<&Path>,
) -> anyhow::Result<bool> {
    ensure!(args.every >= 0.0, "--every is a time, 0 or more");
    let of_one = args.plan == Plan::Faults;
    ensure!(
        of_one || args.cluster,
        "--plan {:?} needs --cluster",
        args.plan
    );
    let machine = Machine::look();
    let tally = Arc::new(Tally::default());
    let stage = Arc::new(Stage::start(program, args.cluster).await?);
    ready(&stage).await?;
    let began = Instant::now();
    let (ended, killed) = broken(args, &stage, &tally).await?;
    say("everything is mended; looking at what is left");
    takeovers(&ended, &killed, &tally);
    verify(&stage, &tally).await?;
    let counts = tally.counts();
    for line in counts.lines() {
        print_line(&line)?;
    }
    if let Some(path) = json {
        let answer = Answer {
            machine,
            clean: counts.is_clean(),
            seconds: began.elapsed().as_secs(),
            counts: &counts,
        };
        let text = serde_json::to_string_pretty(&answer).context("figures are plain data")?;
        std::fs::write(path, text + "\n").context("cannot write the figures")?;
    }
    if !counts.is_clean()
        && let Ok(stage) = Arc::try_unwrap(stage)
    {
        let folder = stage.keep();
        say(&format!("the logs are kept in {}", folder.display()));
    }
    Ok(counts.is_clean())
}

/// Waits until programs can be run.
async fn ready(stage: &Stage) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(300);
    while Instant::now() < deadline {
        let mut all = true;
        for client in &stage.clients {
            let languages = client.languages().await;
            all &= languages.is_ok_and(|it| it.languages.iter().any(|it| it.available));
        }
        if all {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("it does not become ready; see {}", stage.path().display())
}

/// Lets people work while things break.
async fn broken(
    args: &ChaosArgs,
    stage: &Arc<Stage>,
    tally: &Arc<Tally>,
) -> anyhow::Result<(Vec<(ExecutionId, Box<ExecutionView>)>, Vec<Killed>)> {
    let stop = CancellationToken::new();
    let every = if args.every > 0.0 {
        Duration::from_secs_f64(args.every)
    } else {
        // Longer than anybody waits.
        Duration::from_secs(1 << 30)
    };
    let mut injecting = JoinSet::new();
    injecting.spawn(inject(
        Arc::clone(stage),
        Arc::clone(tally),
        Pace {
            plan: args.plan,
            every,
            seed: args.seed,
        },
        stop.clone(),
    ));
    let driver = Arc::new(Driver {
        clients: stage.clients.clone(),
        tally: Arc::clone(tally),
        session: format!("chaos-{}", args.seed),
        seed: args.seed,
        executions: if args.seconds.is_some() {
            u64::MAX
        } else {
            args.executions
        },
        until: args
            .seconds
            .map(|it| Instant::now() + Duration::from_secs(it)),
        next: AtomicU64::new(0),
    });
    let mut people = JoinSet::new();
    for _ in 0..args.people {
        people.spawn(Arc::clone(&driver).work());
    }
    let mut ended = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(args.patience);
    while let Ok(Some(one)) = timeout_at(deadline, people.join_next()).await {
        ended.extend(one.context("somebody who worked")?);
    }
    for _ in 0..people.len() {
        tally.wrong(Wrong::Lost, "somebody still waits for an end".to_owned());
    }
    stop.cancel();
    let killed = injecting.join_next().await.context("the faults")???;
    Ok((ended, killed))
}

/// How long runs of a killed worker waited for the next one.
fn takeovers(ended: &[(ExecutionId, Box<ExecutionView>)], killed: &[Killed], tally: &Tally) {
    let at_ms: HashMap<&str, u64> = killed
        .iter()
        .map(|it| (it.worker.as_str(), it.at_ms))
        .collect();
    for (_, end) in ended {
        for pair in end.attempts.windows(2) {
            if let Some(killed_ms) = at_ms.get(pair[0].worker.as_str()) {
                let ms = pair[1].started_at_ms.saturating_sub(*killed_ms);
                tally.took(
                    "take-over after the kill of a worker",
                    Duration::from_millis(ms),
                );
            }
        }
    }
}

/// Waits until the history has caught up, then has everything checked.
async fn verify(stage: &Stage, tally: &Tally) -> anyhow::Result<()> {
    let executions = tally.counted(ACCEPTED);
    let mut tries = 0;
    let verified = loop {
        stage.revive().await?;
        let answer = stage.run(&["verify", "--settled", "--json"]).await;
        let verified: Verified = match answer {
            Ok(answer) => serde_json::from_str(&answer).context("verify said something else")?,
            Err(error) if tries == 100 => return Err(error),
            Err(_) => {
                tries += 1;
                continue;
            }
        };
        let checked = &verified.checked;
        let caught_up = checked.rows == checked.executions && checked.recordings_due == 0;
        tries += 1;
        if verified.ok && caught_up || tries > 100 {
            break verified;
        }
    };
    for finding in &verified.findings {
        tally.wrong(Wrong::Verify, finding.to_string());
    }
    let found = verified.checked.executions;
    tally.count("executions in the log", found);
    tally.count("rows in the history", verified.checked.rows);
    if verified.checked.rows != found {
        let words = format!("{} rows for {found} executions", verified.checked.rows);
        tally.wrong(Wrong::Verify, words);
    }
    for _ in found..executions {
        tally.wrong(
            Wrong::Lost,
            format!("{found} of {executions} are in the log"),
        );
    }
    for _ in executions..found {
        tally.wrong(
            Wrong::Doubled,
            format!("{found} instead of {executions} are in the log"),
        );
    }
    Ok(())
}

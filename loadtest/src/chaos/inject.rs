//! When things are broken: now and then, or all of them in turn.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::fault::{Blow, Dice, Fault, Killed, apply};
use super::leader::{self, Going};
use super::rolling;
use super::stage::Stage;
use super::tally::Tally;
use crate::report::say;

/// What is done to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Plan {
    /// Anything, every now and then
    Faults,
    /// Everything is restarted, one after the other, as an upgrade would (needs --cluster)
    Rolling,
    /// The server that leads the log is killed and stopped in turn (needs --cluster)
    Leader,
}

/// How often, and with which luck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) plan: Plan,
    pub(crate) every: Duration,
    pub(crate) seed: u64,
}

/// Breaks things until it is told to stop, and mends everything.
pub(crate) async fn inject(
    stage: Arc<Stage>,
    tally: Arc<Tally>,
    pace: Pace,
    stop: CancellationToken,
) -> anyhow::Result<Vec<Killed>> {
    let killed = match pace.plan {
        Plan::Faults => now_and_then(&stage, &tally, pace, &stop).await?,
        Plan::Rolling => {
            while !stop.is_cancelled() {
                rolling::round(&stage, &tally, &stop).await?;
            }
            Vec::new()
        }
        Plan::Leader => {
            let mut next = Instant::now();
            let mut goings = [Going::Killed, Going::Stopped].into_iter().cycle();
            while !stop.is_cancelled() {
                let going = goings.next().unwrap_or(Going::Killed);
                say(going.name());
                tally.count(going.name(), 1);
                leader::lose(&stage, &tally, going).await?;
                next += pace.every;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep_until(next) => {}
                }
                next = next.max(Instant::now());
            }
            Vec::new()
        }
    };
    stage.revive().await?;
    Ok(killed)
}

async fn now_and_then(
    stage: &Arc<Stage>,
    tally: &Arc<Tally>,
    pace: Pace,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<Killed>> {
    let mut dice = Dice::new(pace.seed);
    let faults: Vec<Fault> = Fault::ALL
        .into_iter()
        .chain((stage.nats.len() > 1).then_some(Fault::KillLeader))
        .collect();
    let mut broken: JoinSet<anyhow::Result<Option<Killed>>> = JoinSet::new();
    let mut killed = Vec::new();
    let mut next = Instant::now() + pace.every;
    for number in 0.. {
        let fault = match faults.get(number) {
            Some(fault) => *fault,
            None => faults[usize::try_from(dice.below(faults.len() as u64))?],
        };
        while Instant::now() < next && !stop.is_cancelled() {
            let revived = stage.revive().await?;
            tally.count("services that ended by themselves", revived);
        }
        if stop.is_cancelled() {
            break;
        }
        next += pace.every;
        say(fault.name());
        tally.count(fault.name(), 1);
        let blow = Blow {
            fault,
            one: usize::try_from(dice.below(6))?,
            hold: Duration::from_millis(300 + dice.below(1_700)),
            pick: dice.below(1 << 32),
        };
        let (stage, tally) = (Arc::clone(stage), Arc::clone(tally));
        broken.spawn(async move { apply(&stage, &tally, blow).await });
        while let Some(mended) = broken.try_join_next() {
            killed.extend(mended.context("a fault")??);
        }
    }
    while let Some(mended) = broken.join_next().await {
        killed.extend(mended.context("a fault")??);
    }
    Ok(killed)
}

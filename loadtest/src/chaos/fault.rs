//! What is broken, one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::stage::{Fleet, Stage};
use super::tally::Tally;
use crate::machine::wall_ms;
use crate::report::say;

/// Something to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    KillEdge,
    KillWorker,
    KillProjector,
    KillNats,
    KillPostgres,
    StopEdge,
    StopWorker,
    StopProjector,
    RestartPostgres,
    FreezeEdge,
    FreezeWorker,
    FreezeProjector,
    FreezeNats,
    FreezePostgres,
    PartitionNats,
    ResetNats,
    PartitionPostgres,
    ResetPostgres,
    SlowPostgres,
}

impl Fault {
    /// All, in the order in which they come first.
    pub(crate) const ALL: [Self; 19] = [
        Self::KillWorker,
        Self::KillEdge,
        Self::ResetNats,
        Self::KillNats,
        Self::KillProjector,
        Self::PartitionNats,
        Self::FreezeWorker,
        Self::KillPostgres,
        Self::StopWorker,
        Self::FreezeNats,
        Self::StopEdge,
        Self::ResetPostgres,
        Self::SlowPostgres,
        Self::FreezeEdge,
        Self::StopProjector,
        Self::FreezePostgres,
        Self::RestartPostgres,
        Self::PartitionPostgres,
        Self::FreezeProjector,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::KillEdge => "fault: edge killed",
            Self::KillWorker => "fault: worker killed",
            Self::KillProjector => "fault: projector killed",
            Self::KillNats => "fault: nats-server killed",
            Self::KillPostgres => "fault: PostgreSQL killed",
            Self::StopEdge => "fault: edge restarted",
            Self::StopWorker => "fault: worker restarted",
            Self::StopProjector => "fault: projector restarted",
            Self::RestartPostgres => "fault: PostgreSQL restarted",
            Self::FreezeEdge => "fault: edge frozen",
            Self::FreezeWorker => "fault: worker frozen",
            Self::FreezeProjector => "fault: projector frozen",
            Self::FreezeNats => "fault: nats-server frozen",
            Self::FreezePostgres => "fault: PostgreSQL frozen",
            Self::PartitionNats => "fault: no way to NATS",
            Self::ResetNats => "fault: connections to NATS cut",
            Self::PartitionPostgres => "fault: no way to PostgreSQL",
            Self::ResetPostgres => "fault: connections to PostgreSQL cut",
            Self::SlowPostgres => "fault: PostgreSQL slow",
        }
    }
}

/// Chooses the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below the limit: splitmix64.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % limit
    }
}

/// A worker that was killed.
#[derive(Clone, Debug)]
pub(crate) struct Killed {
    pub(crate) worker: String,
    pub(crate) at_ms: u64,
}

/// Breaks something every now and then until it is told to stop, and mends everything.
pub(crate) async fn inject(
    stage: Arc<Stage>,
    tally: Arc<Tally>,
    every: Duration,
    seed: u64,
    stop: CancellationToken,
) -> anyhow::Result<Vec<Killed>> {
    let mut dice = Dice::new(seed);
    let mut broken: JoinSet<anyhow::Result<Option<Killed>>> = JoinSet::new();
    let mut killed = Vec::new();
    let mut next = Instant::now() + every;
    for number in 0.. {
        let fault = match Fault::ALL.get(number) {
            Some(fault) => *fault,
            None => Fault::ALL[usize::try_from(dice.below(Fault::ALL.len() as u64))?],
        };
        while Instant::now() < next && !stop.is_cancelled() {
            let revived = stage.revive().await?;
            tally.count("services that ended by themselves", revived);
        }
        if stop.is_cancelled() {
            break;
        }
        next += every;
        sleep_until(next.checked_sub(every).unwrap_or(next)).await;
        say(fault.name());
        tally.count(fault.name(), 1);
        let one = usize::try_from(dice.below(6))?;
        let hold = Duration::from_millis(300 + dice.below(1_700));
        let stage = Arc::clone(&stage);
        broken.spawn(async move { apply(&stage, fault, one, hold).await });
        while let Some(mended) = broken.try_join_next() {
            killed.extend(mended.context("a fault")??);
        }
    }
    while let Some(mended) = broken.join_next().await {
        killed.extend(mended.context("a fault")??);
    }
    stage.revive().await?;
    Ok(killed)
}

/// Breaks it, waits, and mends it. Of things that are broken already, waits for their turn.
async fn apply(
    stage: &Stage,
    fault: Fault,
    one: usize,
    hold: Duration,
) -> anyhow::Result<Option<Killed>> {
    match fault {
        Fault::KillWorker => return kill(&stage.workers, one, hold).await.map(Some),
        Fault::KillEdge => kill(&stage.edges, one, hold).await.map(|_| ())?,
        Fault::KillProjector => kill(&stage.projectors, one, hold).await.map(|_| ())?,
        Fault::StopWorker => stop_and_start(&stage.workers, one).await?,
        Fault::StopEdge => stop_and_start(&stage.edges, one).await?,
        Fault::StopProjector => stop_and_start(&stage.projectors, one).await?,
        // Longer than its lease.
        Fault::FreezeWorker => freeze(&stage.workers, one, Duration::from_secs(13)).await,
        Fault::FreezeEdge => freeze(&stage.edges, one, hold).await,
        Fault::FreezeProjector => freeze(&stage.projectors, one, hold).await,
        Fault::KillNats | Fault::FreezeNats => break_nats(stage, fault, one, hold).await?,
        Fault::KillPostgres | Fault::FreezePostgres | Fault::RestartPostgres => {
            break_postgres(stage, fault, hold).await?;
        }
        Fault::PartitionNats => {
            stage.nats_wire.partition(true);
            sleep(hold).await;
            stage.nats_wire.partition(false);
        }
        Fault::PartitionPostgres => {
            stage.postgres_wire.partition(true);
            sleep(hold).await;
            stage.postgres_wire.partition(false);
        }
        Fault::ResetNats => stage.nats_wire.reset(),
        Fault::ResetPostgres => stage.postgres_wire.reset(),
        Fault::SlowPostgres => {
            stage.postgres_wire.slow(Duration::from_millis(100));
            sleep(hold * 2).await;
            stage.postgres_wire.slow(Duration::ZERO);
        }
    }
    Ok(None)
}

async fn kill(fleet: &Fleet, one: usize, hold: Duration) -> anyhow::Result<Killed> {
    let mut service = fleet[one % fleet.len()].lock().await;
    let killed = Killed {
        worker: service.incarnation(),
        at_ms: wall_ms(),
    };
    service.kill().await?;
    sleep(hold).await;
    service.restart()?;
    Ok(killed)
}

async fn stop_and_start(fleet: &Fleet, one: usize) -> anyhow::Result<()> {
    let mut service = fleet[one % fleet.len()].lock().await;
    // How it ends depends on what else is broken just now.
    service.stop().await?;
    service.restart()
}

async fn freeze(fleet: &Fleet, one: usize, hold: Duration) {
    let service = fleet[one % fleet.len()].lock().await;
    service.freeze(true);
    sleep(hold).await;
    service.freeze(false);
}

async fn break_nats(stage: &Stage, fault: Fault, one: usize, hold: Duration) -> anyhow::Result<()> {
    let mut nats = stage.nats[one % stage.nats.len()].lock().await;
    if fault == Fault::KillNats {
        nats.kill().await?;
        sleep(hold).await;
        nats.restart().await?;
    } else {
        nats.pause()?;
        sleep(hold).await;
        nats.resume()?;
    }
    Ok(())
}

async fn break_postgres(stage: &Stage, fault: Fault, hold: Duration) -> anyhow::Result<()> {
    let mut postgres = stage.postgres.lock().await;
    match fault {
        Fault::KillPostgres => {
            postgres.kill().await?;
            sleep(hold).await;
            postgres.restart().await?;
        }
        Fault::FreezePostgres => {
            postgres.pause()?;
            sleep(hold).await;
            postgres.resume()?;
        }
        _ => postgres.restart().await?,
    }
    Ok(())
}

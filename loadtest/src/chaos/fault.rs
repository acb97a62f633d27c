//! What can be broken, and how.

use std::time::Duration;

use tokio::time::sleep;

use super::stage::{Fleet, Stage};
use super::tally::Tally;
use super::{disk, leader, points};
use crate::machine::wall_ms;

/// How long a worker is frozen: longer than its lease of three seconds, so that it is replaced.
pub(crate) const FREEZE: Duration = Duration::from_secs(6);

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
    PointEdge,
    PointWorker,
    PointProjector,
    FillNats,
    FillPostgres,
    /// Of a cluster.
    KillLeader,
}

impl Fault {
    /// All that need no cluster, in the order in which they come first.
    pub(crate) const ALL: [Self; 24] = [
        Self::KillWorker,
        Self::PointWorker,
        Self::KillEdge,
        Self::FillNats,
        Self::ResetNats,
        Self::KillNats,
        Self::KillProjector,
        Self::PartitionNats,
        Self::PointEdge,
        Self::FreezeWorker,
        Self::KillPostgres,
        Self::StopWorker,
        Self::PointProjector,
        Self::FreezeNats,
        Self::FillPostgres,
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

    pub(crate) const fn name(self) -> &'static str {
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
            Self::PointEdge => "fault: edge at a failpoint",
            Self::PointWorker => "fault: worker at a failpoint",
            Self::PointProjector => "fault: projector at a failpoint",
            Self::FillNats => "fault: disk of nats-server full",
            Self::FillPostgres => "fault: disk of PostgreSQL full",
            Self::KillLeader => leader::Going::Killed.name(),
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

/// One fault, with everything that chance decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blow {
    pub(crate) fault: Fault,
    /// Which one of several.
    pub(crate) one: usize,
    /// For how long.
    pub(crate) hold: Duration,
    /// Whatever else there is to choose.
    pub(crate) pick: u64,
}

/// Breaks it, waits, and mends it. Of things that are broken already, waits for their turn.
pub(crate) async fn apply(
    stage: &Stage,
    tally: &Tally,
    blow: Blow,
) -> anyhow::Result<Option<Killed>> {
    let Blow {
        fault, one, hold, ..
    } = blow;
    match fault {
        Fault::KillWorker => return kill(&stage.workers, one, hold).await.map(Some),
        Fault::KillEdge => kill(&stage.edges, one, hold).await.map(|_| ())?,
        Fault::KillProjector => kill(&stage.projectors, one, hold).await.map(|_| ())?,
        Fault::StopWorker => stop_and_start(&stage.workers, one).await?,
        Fault::StopEdge => stop_and_start(&stage.edges, one).await?,
        Fault::StopProjector => stop_and_start(&stage.projectors, one).await?,
        Fault::FreezeWorker => freeze(&stage.workers, one, FREEZE).await,
        Fault::FreezeEdge => freeze(&stage.edges, one, hold).await,
        Fault::FreezeProjector => freeze(&stage.projectors, one, hold).await,
        Fault::KillNats | Fault::FreezeNats => break_nats(stage, fault, one, hold).await?,
        Fault::KillPostgres | Fault::FreezePostgres | Fault::RestartPostgres => {
            break_postgres(stage, fault, hold).await?;
        }
        Fault::PointEdge | Fault::PointWorker | Fault::PointProjector => {
            return points::strike(stage, tally, blow).await;
        }
        Fault::FillNats => disk::fill_nats(stage, tally, blow).await?,
        Fault::FillPostgres => disk::fill_postgres(stage, tally, hold).await?,
        Fault::KillLeader => leader::lose(stage, tally, leader::Going::Killed).await?,
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

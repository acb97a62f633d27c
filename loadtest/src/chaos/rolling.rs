//! Everything is restarted, one after the other, as an upgrade would.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::leader::until_whole;
use super::service::Service;
use super::stage::Stage;
use super::tally::Tally;
use crate::report::say;

/// Restarts each server and each service once, and waits for each until it works again.
pub(crate) async fn round(
    stage: &Stage,
    tally: &Tally,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    say("a rolling restart of everything");
    let began = Instant::now();
    for nats in &stage.nats {
        until_whole(stage, tally).await;
        nats.lock().await.restart().await?;
        tally.count("restarts: nats-server", 1);
    }
    until_whole(stage, tally).await;
    for (edge, client) in stage.edges.iter().zip(&stage.clients) {
        restart(edge).await?;
        while client.languages().await.is_err() {
            revive(stage, tally).await?;
        }
        tally.count("restarts: edge", 1);
    }
    for worker in &stage.workers {
        restart(worker).await?;
        while !is_listed(stage, worker).await {
            revive(stage, tally).await?;
        }
        tally.count("restarts: worker", 1);
    }
    for projector in &stage.projectors {
        restart(projector).await?;
        tally.count("restarts: projector", 1);
    }
    tally.took("a rolling restart of everything", began.elapsed());
    // Some rest between two rounds.
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(Duration::from_secs(1)) => {}
    }
    Ok(())
}

async fn restart(service: &Mutex<Service>) -> anyhow::Result<()> {
    let mut service = service.lock().await;
    service.stop().await?;
    service.restart()
}

/// Starts what has ended by itself, as whatever tends it would.
async fn revive(stage: &Stage, tally: &Tally) -> anyhow::Result<()> {
    tally.count("services that ended by themselves", stage.revive().await?);
    Ok(())
}

/// Whether a worker has told that it is there.
async fn is_listed(stage: &Stage, worker: &Mutex<Service>) -> bool {
    let name = worker.lock().await.incarnation();
    let told = stage.clients[0].workers().await;
    told.is_ok_and(|it| it.workers.iter().any(|worker| worker.name == name))
}

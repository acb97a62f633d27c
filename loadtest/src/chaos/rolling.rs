//! Everything is restarted, one after the other, as an upgrade would.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::leader::until_whole;
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
            sleep(Duration::from_millis(20)).await;
        }
        tally.count("restarts: edge", 1);
    }
    for worker in &stage.workers {
        let name = restart(worker).await?;
        while !is_listed(stage, &name).await {
            sleep(Duration::from_millis(50)).await;
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

async fn restart(service: &tokio::sync::Mutex<super::service::Service>) -> anyhow::Result<String> {
    let mut service = service.lock().await;
    service.stop().await?;
    service.restart()?;
    Ok(service.incarnation())
}

/// Whether a worker has told that it is there.
async fn is_listed(stage: &Stage, name: &str) -> bool {
    let told = stage.clients[0].workers().await;
    told.is_ok_and(|it| it.workers.iter().any(|worker| worker.name == name))
}

//! Processes that die or stand still at a named place between two steps.

use std::time::Duration;

use runlog_failpoint::Point;
use tokio::time::{Instant, sleep};

use super::fault::{Blow, FREEZE, Fault, Killed};
use super::stage::Stage;
use super::tally::Tally;
use crate::machine::wall_ms;

/// How long a service may take to come to its point; some lie where it seldom comes.
const PATIENCE: Duration = Duration::from_secs(8);

/// Starts a service anew with a point armed, waits for it to come there, and mends it.
pub(crate) async fn strike(
    stage: &Stage,
    tally: &Tally,
    blow: Blow,
) -> anyhow::Result<Option<Killed>> {
    if !runlog_failpoint::is_built_in() {
        tally.count("left out: failpoints, which this build has not", 1);
        return Ok(None);
    }
    let (fleet, kind) = match blow.fault {
        Fault::PointEdge => (&stage.edges, "edge."),
        Fault::PointWorker => (&stage.workers, "worker."),
        _ => (&stage.projectors, "projector."),
    };
    let points: Vec<Point> = Point::ALL
        .into_iter()
        .filter(|it| it.name().starts_with(kind))
        .collect();
    let point = points[usize::try_from(blow.pick / 2)? % points.len()];
    let deed = if blow.pick.is_multiple_of(2) {
        "kill"
    } else {
        "stop"
    };
    let mut service = fleet[blow.one % fleet.len()].lock().await;
    service.stop().await?;
    service.restart_with(Some(format!("{}={deed}", point.name())))?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if service.has_ended()? {
            tally.count(point.name(), 1);
            let killed = Killed {
                worker: service.incarnation(),
                at_ms: wall_ms(),
            };
            sleep(blow.hold).await;
            service.restart()?;
            return Ok(Some(killed));
        }
        if service.is_frozen() {
            tally.count(point.name(), 1);
            sleep(if kind == "worker." { FREEZE } else { blow.hold }).await;
            service.freeze(false);
            // It is an ordinary one from here on: a point strikes once.
            return Ok(None);
        }
        sleep(Duration::from_millis(5)).await;
    }
    service.stop().await?;
    service.restart()?;
    Ok(None)
}

//! Ends executions that waited in the queue longer than their limit.
//!
//! A worker does so with what it is given; this is for queues that no worker serves. It adds an
//! event to the log like everybody else, and the rows follow from that.

use std::convert::Infallible;
use std::sync::Arc;

use postgres_types::Json;
use runlog_nats::{AppendError, Freshness};
use runlog_schemas::{Command, Execution, ExecutionId, decide, fold};
use tokio_util::sync::CancellationToken;

use crate::database::Connection;
use crate::row::{bigint, queue_deadline_ms};
use crate::run::{Pause, Shared, failed};
use crate::{Error, SCHEMA};

const WAITING_TOO_LONG: &str = "SELECT id, execution FROM executions
    WHERE queue_deadline_ms <= $1 ORDER BY queue_deadline_ms LIMIT 200";

/// Sweeps until it is told to stop.
pub(crate) async fn expire(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pause = Pause::new(&shared.config);
    loop {
        let error = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Err(error) = sweeps(&shared, &mut pause) => error,
        };
        if !failed(&shared, "expire", &error, &mut pause, &stop).await {
            return;
        }
    }
}

async fn sweeps(shared: &Shared, pause: &mut Pause) -> Result<Infallible, Error> {
    let connection = Connection::open(&shared.config.database, SCHEMA).await?;
    loop {
        sweep(shared, &connection).await?;
        pause.reset();
        tokio::time::sleep(shared.config.expiry_interval).await;
    }
}

async fn sweep(shared: &Shared, connection: &Connection) -> Result<(), Error> {
    let now_ms = shared.config.clock.now_ms();
    let rows = connection
        .query(WAITING_TOO_LONG, &[&bigint(now_ms)])
        .await
        .map_err(Error::database("look for what waited too long"))?;
    for row in rows {
        let id = ExecutionId::from_uuid(row.get(0));
        let Json(execution) = row
            .try_get::<_, Json<Execution>>(1)
            .map_err(Error::database("read executions"))?;
        if expire_one(shared, id, execution, now_ms).await? {
            shared.metrics.expired.inc();
        }
    }
    Ok(())
}

/// Ends an execution if it still waits; the row may lag behind the log.
async fn expire_one(
    shared: &Shared,
    id: ExecutionId,
    row: Execution,
    now_ms: u64,
) -> Result<bool, Error> {
    let (execution, last_status_sequence) = read(shared, id, row).await?;
    if queue_deadline_ms(&execution).is_none_or(|deadline_ms| deadline_ms > now_ms) {
        return Ok(false);
    }
    let Ok(Some(event)) = decide(&execution, Command::Expire, now_ms) else {
        return Ok(false);
    };
    let append = shared.log.append_status(id, last_status_sequence, &event);
    match append.await {
        Ok(_) => Ok(true),
        // A worker took it, or somebody cancelled it.
        Err(AppendError::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The execution as the log has it, and what the next append must expect. A submission that has
/// left the log can never run; the row still knows it, and events that it has folded already
/// change nothing.
async fn read(shared: &Shared, id: ExecutionId, row: Execution) -> Result<(Execution, u64), Error> {
    if let Some(folded) = shared.log.read_execution(id, Freshness::Leader).await? {
        return Ok((folded.execution, folded.last_status_sequence));
    }
    let events = shared.log.read_status(id, 0, Freshness::Leader).await?;
    let last = events.last().map_or(0, |(sequence, _)| *sequence);
    let execution = events
        .iter()
        .fold(row, |execution, (_, event)| fold(execution, event));
    Ok((execution, last))
}

//! Makes room at the front of the log, once what stands there has ended and stands in the tables.

use std::convert::Infallible;
use std::sync::Arc;

use runlog_schemas::subject;
use tokio_util::sync::CancellationToken;

use crate::database::Connection;
use crate::run::{Pause, Shared, failed};
use crate::{Error, SCHEMA, snippets};

/// The first sequence that is still needed: of an execution that has not ended, or not folded yet.
const NEEDED_FROM: &str = "SELECT least(
        (SELECT min(last_sequence) FROM projector_checkpoints) + 1,
        (SELECT min(first_sequence) FROM executions WHERE state <> 'ended'))";

/// Makes room until it is told to stop.
pub(crate) async fn trim(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pause = Pause::new(&shared.config);
    loop {
        let error = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Err(error) = rounds(&shared, &mut pause) => error,
        };
        if !failed(&shared, "trim", &error, &mut pause, &stop).await {
            return;
        }
    }
}

async fn rounds(shared: &Shared, pause: &mut Pause) -> Result<Infallible, Error> {
    let connection = Connection::open(&shared.config.database, SCHEMA).await?;
    loop {
        // Rows are committed without waiting for the disk, so what is read here may still be lost
        // with the machine. By the next round it has long been written.
        let needed_from = needed_from(&connection).await?;
        let snippets_from = snippets::folded(&connection).await? + 1;
        tokio::time::sleep(shared.config.trim_interval).await;
        let fronts = [
            (subject::EXECUTIONS, needed_from),
            (subject::SNIPPETS, snippets_from),
        ];
        for (stream, from) in fronts {
            let removed = shared.log.make_room(stream, from).await?;
            if removed > 0 {
                tracing::info!(stream, removed, "made room at the front of the log");
            }
        }
        pause.reset();
    }
}

/// See [`NEEDED_FROM`].
pub(crate) async fn needed_from(connection: &Connection) -> Result<u64, Error> {
    let row = connection
        .query_one(NEEDED_FROM, &[])
        .await
        .map_err(Error::database("look for what the log must keep"))?;
    let sequence: Option<i64> = row.get(0);
    Ok(sequence.map_or(0, |sequence| u64::try_from(sequence).unwrap_or(0)))
}

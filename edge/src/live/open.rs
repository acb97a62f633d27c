//! How a viewer begins: at a feed, in the log, or in what the history tells.

use std::sync::Arc;

use runlog_nats::{Folded, Freshness, ReadError};
use runlog_schemas::{Cursor, ExecutionId, Timeline};

use super::catch_up::{CatchUp, Lifecycle};
use super::follow::Follow;
use super::replay::{nothing, replay};
use super::viewer::{Source, Viewer};
use crate::error::EdgeError;
use crate::record;
use crate::state::Edge;

/// A viewer that can begin.
pub(crate) struct Opened {
    /// The viewer.
    pub(crate) viewer: Viewer,
    /// Whether the execution is known to have ended, so that its viewer never has to wait.
    pub(crate) ended: bool,
}

/// Prepares to show an execution behind `from`.
///
/// # Errors
/// When nobody knows the execution, or who may know it does not answer.
pub(crate) async fn open(
    edge: &Arc<Edge>,
    id: ExecutionId,
    from: Cursor,
) -> Result<Opened, EdgeError> {
    let opened = |source, ended| Opened::new(edge, id, from, source, ended);
    if record::is_retold(from) {
        return open_retold(edge, id, from).await;
    }
    if let Some(seat) = edge.hub.join_existing(id)
        && seat.begin().0 == 0
    {
        let ended = seat.is_over();
        let follow = Follow::new(id, seat, 0, Timeline::resumed(from));
        return Ok(opened(Source::Follow(Box::new(follow)), ended));
    }
    match edge.log.read_execution(id, Freshness::Any).await {
        Ok(Some(folded)) if folded.execution.end().is_some() => {
            let reading = CatchUp::of_log(edge.log.clone(), id, from, folded.events);
            Ok(opened(Source::reading(reading, None), true))
        }
        Ok(Some(folded)) => {
            let seat = edge.hub.join(id);
            if seat.begin().0 == 0 {
                let follow = Follow::new(id, seat, 0, Timeline::resumed(from));
                return Ok(opened(Source::Follow(Box::new(follow)), false));
            }
            let reading = CatchUp::of_log(edge.log.clone(), id, from, folded.events);
            Ok(opened(Source::reading(reading, Some(seat)), false))
        }
        read => open_history(edge, id, from, read.map(|_| ())).await,
    }
}

/// The same for a viewer who was somewhere in what the history told.
async fn open_retold(edge: &Arc<Edge>, id: ExecutionId, from: Cursor) -> Result<Opened, EdgeError> {
    match edge.log.read_execution(id, Freshness::Any).await {
        Ok(Some(folded)) if folded.execution.end().is_some() => {
            let from = Cursor { output: 0, ..from };
            let lifecycle = retell(folded);
            let reading = CatchUp::of_log(edge.log.clone(), id, from, lifecycle);
            let source = Source::reading(reading, None);
            Ok(Opened::new(edge, id, from, source, true))
        }
        // Told by a history that is ahead of this log: from its beginning, then.
        Ok(Some(_)) => Box::pin(open(edge, id, Cursor::default())).await,
        read => open_history(edge, id, from, read.map(|_| ())).await,
    }
}

/// The same where the log does not have the execution, or did not answer.
async fn open_history(
    edge: &Arc<Edge>,
    id: ExecutionId,
    from: Cursor,
    log: Result<(), ReadError>,
) -> Result<Opened, EdgeError> {
    let told = record::from_history(edge, id, from, log).await?;
    let batches = told.recording.map_or_else(nothing, |it| replay(id, it));
    let reading = CatchUp::of_recording(id, told.from, told.lifecycle, batches);
    let source = Source::reading(reading, None);
    Ok(Opened::new(edge, id, told.from, source, true))
}

/// The lifecycle of an execution that has ended, as the history tells it.
pub(super) fn retell(folded: Folded) -> Lifecycle {
    let submitted = folded.events.into_iter().next();
    submitted.map_or_else(Vec::new, |(_, submitted)| {
        record::lifecycle(submitted, &folded.execution)
    })
}

impl Opened {
    fn new(edge: &Arc<Edge>, id: ExecutionId, from: Cursor, source: Source, ended: bool) -> Self {
        let viewer = Viewer {
            edge: Arc::clone(edge),
            id,
            cursor: from,
            source,
        };
        Self { viewer, ended }
    }
}

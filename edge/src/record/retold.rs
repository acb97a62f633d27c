//! What the history tells of an execution that the log does not have, or did not tell of.

use runlog_nats::ReadError;
use runlog_schemas::{Cursor, ExecutionEvent, ExecutionId};

use super::{Stored, is_retold, lifecycle, recording, remembered};
use crate::error::EdgeError;
use crate::state::Edge;

/// What the history tells of an execution that has ended.
pub(crate) struct Retold {
    /// Where the viewer is in it.
    pub(crate) from: Cursor,
    /// Its events, as far as they can be told again.
    pub(crate) lifecycle: Vec<(u64, ExecutionEvent)>,
    /// Its output, where it is kept.
    pub(crate) recording: Option<Stored>,
}

/// Everything about an execution that has ended and that the log does not have, or did not tell
/// of, for a viewer who was at `from`. What only the log can tell is waited for.
///
/// # Errors
/// When nobody knows it, who may know it does not answer, or it has not ended.
pub(crate) async fn from_history(
    edge: &Edge,
    id: ExecutionId,
    from: Cursor,
    log: Result<(), ReadError>,
) -> Result<Retold, EdgeError> {
    let away = log.is_err();
    let only_log = |what: &'static str| {
        if away {
            EdgeError::LogUnavailable(what.into())
        } else {
            EdgeError::OutputGone
        }
    };
    let remembered = remembered(edge, id, log).await?;
    let Some(end) = remembered.execution.end() else {
        return Err(only_log("the history has no end of it"));
    };
    let submitted = match &edge.history {
        Some(history) => history.submitted(id).await?,
        None => None,
    };
    let submitted = submitted.ok_or(EdgeError::OutputGone)?;
    let lifecycle = lifecycle(submitted, &remembered.execution);
    let from = match place(from, remembered.last_sequence, &lifecycle) {
        // Somewhere in the middle, which the log knows.
        Place::Unknown if away => return Err(only_log("the history cannot tell where that is")),
        // What the viewer has on its screen is cleared by the first attempt.
        Place::Unknown => Cursor::default(),
        Place::Known(from) => from,
    };
    let printed = end.output.as_ref().is_some_and(|output| output.chunks > 0);
    let recording = match recording(edge, id).await {
        Ok(Some(stored)) => Some(stored),
        // It may not have been stored yet.
        Ok(None) if printed && away => return Err(only_log("the history has no recording of it")),
        // Its viewers are told so, and how it went all the same.
        Ok(None) | Err(EdgeError::OutputLost) => None,
        Err(error) => return Err(error),
    };
    Ok(Retold {
        from,
        lifecycle,
        recording,
    })
}

/// Where a viewer is in what the history tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Here.
    Known(Cursor),
    /// Behind something, but nobody remembers what had which sequence.
    Unknown,
}

/// Finds the place of a viewer who comes from the log or from the history. `last`: the sequence of
/// the terminal event.
pub(crate) fn place(from: Cursor, last: u64, lifecycle: &[(u64, ExecutionEvent)]) -> Place {
    if is_retold(from) || from.status == 0 {
        return Place::Known(Cursor { output: 0, ..from });
    }
    if from.status < last {
        return Place::Unknown;
    }
    let status = lifecycle.last().map_or(0, |(number, _)| *number);
    Place::Known(Cursor {
        status,
        output: 0,
        ..from
    })
}

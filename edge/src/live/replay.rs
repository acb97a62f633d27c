//! Plays a recording as it is read, so that its size does not show in memory.

use futures_util::stream;
use runlog_schemas::ExecutionId;
use tokio::time::sleep;

use super::catch_up::{Batches, RETRY_PAUSE};
use crate::error::EdgeError;
use crate::record::Stored;

/// The output of a recording, numbered from 1: what it had in the log had no lower numbers. A store
/// that is away for a moment is waited for; where a part is lost, the output ends.
pub(super) fn replay(id: ExecutionId, stored: Stored) -> Batches {
    Box::pin(stream::unfold(
        (stored, 1),
        move |(mut stored, number)| async move {
            loop {
                match stored.next().await {
                    Ok(Some(batch)) => return Some((Ok((number, batch)), (stored, number + 1))),
                    Ok(None) => return None,
                    Err(EdgeError::LogUnavailable(error)) => {
                        tracing::debug!(error, %id, "a viewer waits for a recording");
                        sleep(RETRY_PAUSE).await;
                    }
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, %id, "a recording breaks off");
                        return None;
                    }
                }
            }
        },
    ))
}

/// That of an execution whose recording is lost.
pub(super) fn nothing() -> Batches {
    Box::pin(stream::empty())
}

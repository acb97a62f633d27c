//! Whether the worker that has an execution is lost, when the queue thinks so.
//!
//! A lease that ran out is a hint: the queue gives an execution away also when its own server was
//! restarted, or a worker was cut off for a moment. So the worker is asked before its attempt is
//! taken from it. The fence is the log all the same; this only saves attempts.

use std::time::Duration;

use runlog_nats::ControlError;
use runlog_schemas::control::{ControlReply, ControlRequest};
use runlog_schemas::{ExecutionId, State};
use tokio::time::timeout;

use super::attempt::Position;
use crate::worker::Worker;

/// How long a worker may take to say that it is alive. One that was paused does not answer.
const ANSWER: Duration = Duration::from_millis(700);

/// How long others may need to come back to the log after we did: more than the longest pause
/// between two of their tries.
const REUNION: Duration = Duration::from_secs(3);

/// Whether an attempt runs that another worker still holds. Where nobody listens, the server says
/// so at once.
pub(super) async fn is_held(worker: &Worker, id: ExecutionId, position: &Position) -> bool {
    let State::Running { attempt, .. } = position.execution.state else {
        return false;
    };
    if worker.was_just_cut_off(REUNION) {
        return true;
    }
    let request = ControlRequest::Alive { attempt };
    let asked = worker.log.control_request(id, &request);
    match timeout(ANSWER, asked).await {
        Ok(Ok(ControlReply::Applied)) => true,
        // Without the log nothing can be taken over anyway; it comes again.
        Ok(Err(ControlError::Unavailable(_))) => true,
        Ok(Ok(ControlReply::Refused { .. }) | Err(_)) | Err(_) => false,
    }
}

//! Doing an execution again: what it needs, and how the two know of each other.

use runlog_nats::{AppendError, Redriven, StoredLetter};
use runlog_schemas::api::ExecutionView;
use runlog_schemas::{ExecutionId, Outcome, Repeats, Submission, request_digest};

use crate::accept::{self, Receipt};
use crate::error::EdgeError;
use crate::key::Keyed;
use crate::record;
use crate::state::Edge;

/// What was submitted as an execution, from the log or from the history.
///
/// # Errors
/// When nobody knows it, or who may know it does not answer.
pub(crate) async fn submission(edge: &Edge, id: ExecutionId) -> Result<Submission, EdgeError> {
    if let Some(stored) = edge.log.read_submission(id).await? {
        return Ok(stored.submission);
    }
    if let Some(history) = &edge.history
        && let Some(event) = history.submitted(id).await?
        && let runlog_schemas::Change::Submitted { submission } = event.change
    {
        return Ok(*submission);
    }
    // Tells whether it never was, or is known without its submission.
    record::find(edge, id).await?;
    Err(EdgeError::SubmissionGone)
}

/// Has a dead letter tried again, as an execution of its own. Asked twice, there is one all the
/// same: its id follows from the letter's.
///
/// # Errors
/// When its submission is gone or cannot be taken now.
pub(crate) async fn redrive(edge: &Edge, stored: &StoredLetter) -> Result<Receipt, EdgeError> {
    let of = stored.id;
    let keyed = Keyed {
        id: ExecutionId::of_redrive(of),
        digest: request_digest("redrive", &of.to_string().into()),
    };
    let receipt = match accept::earlier(edge, Some(&keyed)).await? {
        Some(receipt) => receipt,
        None => {
            let submission = Submission {
                repeats: Some(Repeats::Redrive { of }),
                ..submission(edge, of).await?
            };
            accept::take(edge, submission, Some(keyed)).await?
        }
    };
    if stored.letter.redriven.is_none() {
        let redriven = Redriven {
            to: receipt.id,
            at_ms: edge.clock.now_ms(),
        };
        match edge.log.mark_redriven(stored, redriven).await {
            // Somebody else has marked or dropped it meanwhile.
            Ok(()) | Err(AppendError::Conflict) => {}
            // The execution exists; asking again marks the letter.
            Err(error) => return Err(EdgeError::LogUnavailable(error.into())),
        }
    }
    Ok(receipt)
}

/// The execution that tries this one again, where it was given up and somebody asked for that.
pub(crate) async fn successor(edge: &Edge, view: &ExecutionView) -> Option<ExecutionId> {
    let given_up = matches!(view.outcome, Some(Outcome::SystemError { .. }));
    if !given_up {
        return None;
    }
    let id = ExecutionId::of_redrive(view.id);
    // Not knowing is no reason to say nothing about the execution itself.
    record::find(edge, id).await.ok().map(|_| id)
}

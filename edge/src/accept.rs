//! Takes submissions into the log, once each under an idempotency key.
//!
//! A key names an execution, and the log takes an id once: whoever comes second is refused by the
//! log and reads what stands there. The history is asked only for what has left the log.

use runlog_failpoint::{self as failpoint, Point};
use runlog_nats::{AppendError, Freshness};
use runlog_schemas::api::SubmitRequest;
use runlog_schemas::{Change, ExecutionEvent, ExecutionId, Submission};
use uuid::Uuid;

use crate::error::EdgeError;
use crate::key::Keyed;
use crate::live::Seat;
use crate::metrics::Submitted;
use crate::state::Edge;
use crate::submit;

/// A submission that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The execution.
    pub(crate) id: ExecutionId,
    /// Whether it was there already, under the same key.
    pub(crate) repeated: bool,
}

/// Checks a request and appends it.
///
/// # Errors
/// When it makes no sense, cannot be taken now, or its key stands for something else.
pub(crate) async fn accept(
    edge: &Edge,
    request: SubmitRequest,
    keyed: Option<Keyed>,
) -> Result<Receipt, EdgeError> {
    let (receipt, _) = accept_as(edge, request, keyed, Interest::None).await?;
    Ok(receipt)
}

/// The same for a sender who waits for the end: a new execution is watched from before it is in
/// the log, so that nothing has to be read.
///
/// # Errors
/// As [`accept`].
pub(crate) async fn accept_and_watch(
    edge: &Edge,
    request: SubmitRequest,
    keyed: Option<Keyed>,
) -> Result<(Receipt, Seat), EdgeError> {
    let (receipt, seat) = accept_as(edge, request, keyed, Interest::End).await?;
    Ok((receipt, seat.unwrap_or_else(|| edge.hub.join(receipt.id))))
}

/// What the sender of a submission waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interest {
    None,
    End,
}

async fn accept_as(
    edge: &Edge,
    request: SubmitRequest,
    keyed: Option<Keyed>,
    interest: Interest,
) -> Result<(Receipt, Option<Seat>), EdgeError> {
    let priority = request.priority;
    let language = edge.catalog.find(&request.language);
    let language = language.map_or_else(|| "unknown".to_owned(), |it| it.id.clone());
    let count = |result| edge.metrics.submission(&language, priority, result);
    // First, so that a repeated request is answered even where a new one would be sent away.
    if let Some(receipt) = earlier(edge, keyed.as_ref()).await? {
        count(Submitted::Repeated);
        return Ok((receipt, None));
    }
    let submission = check(edge, request).inspect_err(|_| count(Submitted::Refused))?;
    let taken = take_as(edge, submission, keyed, interest).await;
    count(match taken {
        Ok((Receipt { repeated: true, .. }, _)) => Submitted::Repeated,
        Ok(_) => Submitted::Accepted,
        Err(_) => Submitted::Failed,
    });
    taken
}

fn check(edge: &Edge, request: SubmitRequest) -> Result<Submission, EdgeError> {
    if edge.draining.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    let given = request.language.clone();
    let submission =
        submit::check(request, &edge.catalog).map_err(|refused| submit::refusal(given, refused))?;
    edge.reports.require(&submission.language)?;
    Ok(submission)
}

/// What a key stands for already, where it has been used.
///
/// # Errors
/// When it was used for another request, or the log does not answer.
pub(crate) async fn earlier(
    edge: &Edge,
    keyed: Option<&Keyed>,
) -> Result<Option<Receipt>, EdgeError> {
    let Some(keyed) = keyed else {
        return Ok(None);
    };
    let id = keyed.id;
    let (submitted, changes) = tokio::try_join!(
        edge.log.read_submission(id),
        edge.log.read_status(id, 0, Freshness::Leader)
    )?;
    if let Some(stored) = submitted {
        return compare(keyed, stored.submission.request_digest.as_deref()).map(Some);
    }
    if let Some(history) = &edge.history {
        match history.find(id).await {
            Ok(Some(row)) => {
                let origin = row.execution.origin.as_ref();
                let digest = origin.and_then(|origin| origin.request_digest.as_deref());
                return compare(keyed, digest).map(Some);
            }
            Ok(None) => {}
            // The log alone decides, as far back as it goes.
            Err(error) => tracing::debug!(%id, %error, "the history was not asked about a key"),
        }
    }
    if changes.is_empty() {
        return Ok(None);
    }
    // A new submission would meet the end of the old one.
    Err(EdgeError::LogUnavailable(
        "what the key stood for is just about to leave the log".into(),
    ))
}

fn compare(keyed: &Keyed, digest: Option<&str>) -> Result<Receipt, EdgeError> {
    if digest == Some(&keyed.digest) {
        return Ok(Receipt {
            id: keyed.id,
            repeated: true,
        });
    }
    Err(EdgeError::KeyReused {
        became: format!("execution {}", keyed.id),
    })
}

/// Appends a submission that has been checked.
///
/// # Errors
/// When the log does not take it, or its key stands for something else.
pub(crate) async fn take(
    edge: &Edge,
    submission: Submission,
    keyed: Option<Keyed>,
) -> Result<Receipt, EdgeError> {
    let (receipt, _) = take_as(edge, submission, keyed, Interest::None).await?;
    Ok(receipt)
}

async fn take_as(
    edge: &Edge,
    mut submission: Submission,
    keyed: Option<Keyed>,
    interest: Interest,
) -> Result<(Receipt, Option<Seat>), EdgeError> {
    let id = match &keyed {
        Some(keyed) => keyed.id,
        None => ExecutionId::from_uuid(Uuid::now_v7()),
    };
    submission.request_digest = keyed.as_ref().map(|keyed| keyed.digest.clone());
    let receipt = Receipt {
        id,
        repeated: false,
    };
    let entry = edge.admission.enter(edge, &submission).await?;
    let watch = match interest {
        Interest::End => Some(edge.log.watch_new(id).await?),
        Interest::None => None,
    };
    let at_ms = edge.clock.now_ms();
    match append(edge, id, &submission, at_ms).await {
        Ok(sequence) => {
            entry.entered(sequence);
            let change = Change::Submitted {
                submission: Box::new(submission),
            };
            let event = ExecutionEvent { at_ms, change };
            let watch = watch.map(|watch| watch.submitted(sequence, event));
            Ok((receipt, watch.map(|it| edge.hub.join_begun(id, it))))
        }
        // Somebody was faster with the same key.
        Err(Append::Conflict(source)) => match earlier(edge, keyed.as_ref()).await? {
            Some(receipt) => Ok((receipt, None)),
            None => Err(EdgeError::Broken(source.into())),
        },
        Err(Append::Failed(error)) => Err(error),
    }
}

/// Why a submission was not appended.
enum Append {
    Conflict(AppendError),
    Failed(EdgeError),
}

async fn append(
    edge: &Edge,
    id: ExecutionId,
    submission: &Submission,
    at_ms: u64,
) -> Result<u64, Append> {
    failpoint::hit(Point::SubmissionBefore);
    let error = match edge.log.append_submission(id, submission, at_ms).await {
        Ok(sequence) => {
            failpoint::hit(Point::SubmissionAppended);
            return Ok(sequence);
        }
        Err(error) => error,
    };
    Err(Append::Failed(match error {
        AppendError::Conflict => return Err(Append::Conflict(error)),
        AppendError::TooLarge { max, .. } => EdgeError::BodyTooLarge { limit: max },
        AppendError::Full(_) => EdgeError::LogFull(error.into()),
        AppendError::Unavailable(_) => EdgeError::LogUnavailable(error.into()),
        AppendError::Unknown(_) => EdgeError::Unclear {
            id,
            source: error.into(),
        },
        AppendError::Refused { .. } => EdgeError::Broken(error.into()),
    }))
}

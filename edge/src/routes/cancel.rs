//! `POST /v1/executions/{id}/cancel`

use std::sync::Arc;

use runlog_failpoint::{self as failpoint, Point};
use runlog_nats::{AppendError, Freshness};
use runlog_schemas::api::{ExecutionView, Problem};
use runlog_schemas::control::ControlRequest;
use runlog_schemas::{Command, Execution, ExecutionId, Refusal, decide, fold};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::{id, with};
use crate::error::EdgeError;
use crate::query;
use crate::record;
use crate::reply::{json_with, respond};
use crate::state::Edge;

/// How often the log may move on while we decide. An execution has a handful of events.
const TRIES: u32 = 20;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String / "cancel")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(post(&text, &edge, &query).await))
        .boxed()
}

/// Cancel an execution
///
/// In the queue it ends at once. A run is ended by its worker, in well under a second.
#[utoipa::path(
    post,
    operation_id = "cancel_execution",
    path = "/v1/executions/{id}/cancel",
    tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution's id.")),
    responses(
        (status = 200, description = "It has ended.", body = ExecutionView),
        (status = 202, description = "Its end has been asked for.", body = ExecutionView),
        (status = 400, description = "Not an id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It had ended already; the problem has its outcome.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(text: &str, edge: &Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let id = id(text)?;
    query::none(query)?;
    let execution = cancel(edge, id).await?;
    let status = match execution.end() {
        Some(_) => StatusCode::OK,
        None => StatusCode::ACCEPTED,
    };
    let view = ExecutionView::of(id, &execution).ok_or(EdgeError::NoSuchExecution)?;
    Ok(json_with(status, &view))
}

/// Asks for the end of an execution; returns the execution as it then is.
///
/// # Errors
/// When it does not exist, has ended, or the log does not take it.
pub(crate) async fn cancel(edge: &Arc<Edge>, id: ExecutionId) -> Result<Execution, EdgeError> {
    for _ in 0..TRIES {
        let Some(folded) = edge.log.read_execution(id, Freshness::Leader).await? else {
            // Only what has ended may leave the log.
            let execution = record::find(edge, id).await?;
            let end = execution.end().ok_or(EdgeError::NoSuchExecution)?;
            return Err(EdgeError::AlreadyEnded(end.outcome.clone()));
        };
        let decided = decide(&folded.execution, Command::Cancel, edge.clock.now_ms());
        let event = match decided {
            Ok(Some(event)) => event,
            Ok(None) => {
                nudge(edge, id);
                return Ok(folded.execution);
            }
            Err(Refusal::AlreadyEnded(outcome)) => return Err(EdgeError::AlreadyEnded(outcome)),
            Err(Refusal::NoSuchExecution) => return Err(EdgeError::NoSuchExecution),
            Err(refusal) => return Err(EdgeError::Broken(refusal.into())),
        };
        failpoint::hit(Point::CancelBefore);
        let appended = edge
            .log
            .append_status(id, folded.last_status_sequence, &event)
            .await;
        match appended {
            Ok(_) => {
                failpoint::hit(Point::CancelAppended);
                nudge(edge, id);
                return Ok(fold(folded.execution, &event));
            }
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(EdgeError::LogUnavailable(error.into())),
        }
    }
    Err(EdgeError::LogUnavailable(
        "the execution changed faster than it could be cancelled".into(),
    ))
}

/// Tells the worker to look at the log now. It would find out anyway, a little later.
fn nudge(edge: &Arc<Edge>, id: ExecutionId) {
    let log = edge.log.clone();
    edge.tracker.spawn(async move {
        if let Err(error) = log.control_request(id, &ControlRequest::Cancel).await {
            tracing::debug!(%error, %id, "no worker took the cancellation");
        }
    });
}

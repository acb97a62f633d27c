//! `GET /v1/executions/{id}/program`

use std::sync::Arc;

use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Problem, ProgramView};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::{id, with};
use crate::error::EdgeError;
use crate::query;
use crate::reply::{json, respond};
use crate::snippet;
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String / "program")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(get(&text, edge, &query).await))
        .boxed()
}

/// Get the program of an execution
///
/// What was sent, so that it can be run again or edited.
#[utoipa::path(
    get,
    operation_id = "get_program",
    path = "/v1/executions/{id}/program",
    tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution's id.")),
    responses(
        (status = 200, description = "The program.", body = ProgramView),
        (status = 400, description = "Not an id, or a query, of which there is none.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Neither the log nor the history answers.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(text: &str, edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let id = id(text)?;
    query::none(query)?;
    let submission = snippet::submission(&edge, id).await?;
    let submission = submission.ok_or(EdgeError::NoSuchExecution)?;
    Ok(json(&ProgramView::from(submission)))
}

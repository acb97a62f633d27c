//! `GET /v1/executions/{id}`

use std::sync::Arc;

use runlog_schemas::ExecutionId;
use runlog_schemas::api::{ExecutionView, Problem};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::{id, with};
use crate::error::EdgeError;
use crate::query;
use crate::record;
use crate::repeat;
use crate::reply::{json, respond};
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String)
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(get(&text, edge, &query).await))
        .boxed()
}

/// Look at an execution
#[utoipa::path(
    get,
    operation_id = "get_execution",
    path = "/v1/executions/{id}",
    tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution's id.")),
    responses(
        (status = 200, description = "The execution as it stands now.", body = ExecutionView),
        (status = 400, description = "Not an id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Neither the log nor the history answers.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(text: &str, edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    query::none(query)?;
    let mut view = record::view(&edge, id(text)?).await?;
    view.redriven_as = repeat::successor(&edge, &view).await;
    Ok(json(&view))
}

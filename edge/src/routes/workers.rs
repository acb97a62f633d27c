//! `GET /v1/workers`

use std::sync::Arc;

use runlog_schemas::api::{Problem, Workers};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::with;
use crate::error::EdgeError;
use crate::query;
use crate::reply::{json, respond};
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "workers")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |edge: Arc<Edge>, query: String| respond(get(&edge, &query).await))
        .boxed()
}

/// List the workers
///
/// Those that have reported themselves in the last thirty seconds; each does so every ten, and
/// takes itself off the list when it ends in peace.
#[utoipa::path(
    get,
    operation_id = "list_workers",
    path = "/v1/workers",
    tag = "operations",
    responses(
        (status = 200, description = "The workers, by name.", body = Workers),
        (status = 400, description = "A query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(edge: &Edge, query: &str) -> Result<Response, EdgeError> {
    query::none(query)?;
    let workers = edge.log.worker_reports().await?;
    Ok(json(&Workers { workers }))
}

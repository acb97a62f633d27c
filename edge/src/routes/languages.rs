//! `GET /v1/languages`

use std::sync::Arc;

use runlog_schemas::api::{Languages, Problem};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::with;
use crate::error::EdgeError;
use crate::query;
use crate::reply::{json, respond};
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "languages")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .map(|edge: Arc<Edge>, query: String| respond(get(&edge, &query)))
        .boxed()
}

/// List the languages
///
/// With the exact versions that the workers found. One whose toolchain is missing is listed as
/// unavailable, with the reason.
#[utoipa::path(
    get,
    operation_id = "list_languages",
    path = "/v1/languages",
    tag = "languages",
    responses(
        (status = 200, description = "All languages that are defined.", body = Languages),
        (status = 400, description = "A query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
fn get(edge: &Edge, query: &str) -> Result<Response, EdgeError> {
    query::none(query)?;
    let languages = edge.catalog.iter().map(|it| edge.reports.view(it));
    Ok(json(&Languages {
        languages: languages.collect(),
    }))
}

//! `GET /v1/executions/{id}/recording`

use std::sync::Arc;

use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Problem, RecordingQuery, RecordingView};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::{id, with};
use crate::error::EdgeError;
use crate::query::{self, Query};
use crate::record::{self, Reading, cast::cast};
use crate::reply::{JSON, bytes, json, respond, told};
use crate::state::Edge;

const CAST: &str = "application/x-asciicast";

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String / "recording")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(get(&text, edge, &query).await))
        .boxed()
}

/// Get a recording
///
/// What happened, with its timing; as asciinema plays it with `format=cast`.
#[utoipa::path(
    get,
    operation_id = "get_recording",
    path = "/v1/executions/{id}/recording",
    tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution's id."), RecordingQuery),
    responses(
        (status = 200, description = "The recording, as far as it goes.", content(
            (RecordingView = "application/json"), (String = "application/x-asciicast"))),
        (status = 400, description = "Not an id, or a query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The output is no longer kept.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Neither the log nor the history answers.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(text: &str, edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let id = id(text)?;
    let mut query = Query::parse(query);
    let as_cast = query.read("format", "json or cast", |format| match format {
        "json" => Some(false),
        "cast" => Some(true),
        _ => None,
    });
    query.finish()?;
    let as_cast = as_cast == Some(true);
    Ok(match (record::read(&edge, id).await?, as_cast) {
        (Reading::Large(large), true) => told(CAST, large.tell_cast()),
        (Reading::Large(large), false) => told(JSON, large.tell_recording()?),
        (Reading::Whole(recorded), true) => {
            bytes(CAST, cast(recorded.execution(), recorded.chunks()))
        }
        (Reading::Whole(recorded), false) => json(&recorded.into_recording()?),
    })
}

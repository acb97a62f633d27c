//! `GET /v1/executions/{id}/output`

use std::sync::Arc;

use runlog_schemas::api::{OutputQuery, OutputView, Problem};
use runlog_schemas::{ExecutionId, OutputStream};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, HeaderName, HeaderValue};
use warp::reply::Response;

use super::{id, with};
use crate::error::EdgeError;
use crate::query::{self, Query};
use crate::record::{self, Reading};
use crate::reply::{JSON, bytes, json, respond, told};
use crate::state::Edge;

const OCTETS: &str = "application/octet-stream";

const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String / "output")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(get(&text, edge, &query).await))
        .boxed()
}

/// Read what a program wrote
///
/// All of it as it is now, or with `stream` the exact bytes of one stream as a file. A large one is
/// sent while it is read; it breaks off where it turns out that a part is no longer kept.
#[utoipa::path(
    get,
    operation_id = "get_output",
    path = "/v1/executions/{id}/output",
    tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution's id."), OutputQuery),
    responses(
        (status = 200, description = "The output.", content(
            (OutputView = "application/json"), (Vec<u8> = "application/octet-stream"))),
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
    let stream = query.read("stream", "one of stdout, stderr, compiler", stream);
    query.finish()?;
    let reading = record::read(&edge, id).await?;
    let Some((stream, name)) = stream else {
        return Ok(match reading {
            Reading::Large(large) => told(JSON, large.tell_output()),
            Reading::Whole(recorded) => json(&recorded.output()),
        });
    };
    let content = match reading {
        Reading::Large(large) => {
            let (length, content) = large.tell_stream(stream);
            let mut response = told(OCTETS, content);
            let length = HeaderValue::from(length);
            response.headers_mut().insert(CONTENT_LENGTH, length);
            response
        }
        Reading::Whole(recorded) => bytes(OCTETS, recorded.bytes(stream)),
    };
    Ok(file(content, &format!("{id}-{name}.txt")))
}

fn stream(name: &str) -> Option<(OutputStream, &'static str)> {
    match name {
        "stdout" => Some((OutputStream::Stdout, "stdout")),
        "stderr" => Some((OutputStream::Stderr, "stderr")),
        "compiler" => Some((OutputStream::Compiler, "compiler")),
        _ => None,
    }
}

/// Bytes that a browser saves and never shows: a program may have written a page with scripts.
fn file(mut response: Response, name: &str) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .expect("the name is an id and a word");
    let headers = response.headers_mut();
    headers.insert(CONTENT_DISPOSITION, disposition);
    headers.insert(CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

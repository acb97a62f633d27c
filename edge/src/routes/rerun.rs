//! `POST /v1/executions/{id}/rerun`

use std::sync::Arc;

use bytes::Bytes;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Accepted, Problem, RerunRequest};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::reply::Response;

use super::{id, submit, with};
use crate::accept;
use crate::body::{self, BodyLimits};
use crate::error::EdgeError;
use crate::key::Key;
use crate::query;
use crate::reply::respond;
use crate::rerun;
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let limits = BodyLimits {
        bytes: edge.config.max_body_bytes,
        time: edge.config.body_timeout,
    };
    warp::path!("v1" / "executions" / String / "rerun")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(body::json_body(limits))
        .then(async |text: String, edge, query: String, headers, body| {
            let asked = Asked {
                query,
                headers,
                body,
            };
            respond(post(&text, edge, asked).await)
        })
        .boxed()
}

struct Asked {
    query: String,
    headers: HeaderMap,
    body: Result<Bytes, EdgeError>,
}

/// Run an execution again
///
/// As a new execution with the same files, arguments, input and limits, which names the old one.
/// What was typed into it while it ran is its standard input from the beginning. With `against` it
/// runs elsewhere: in that version of the toolchain, or in another language.
#[utoipa::path(
    post,
    operation_id = "rerun_execution",
    path = "/v1/executions/{id}/rerun",
    tag = "executions",
    params(
        ("id" = ExecutionId, Path, description = "The execution to run again."),
        ("Idempotency-Key" = Option<String>, Header, description = "Do this once."),
    ),
    request_body = RerunRequest,
    responses(
        (status = 202, description = "The new execution is in the log.", body = Accepted,
            headers(("Location" = String, description = "Where the execution is."))),
        (status = 400, description = "Not an id, not JSON, or a key that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key was used for another request.",
            body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "What was submitted is kept nowhere any more.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 1 MiB.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No worker has that version, or fields make no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The session has its share of the queue waiting.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The queue is full, or the log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(text: &str, edge: Arc<Edge>, asked: Asked) -> Result<Response, EdgeError> {
    let of = id(text)?;
    query::none(&asked.query)?;
    let key = Key::read(&asked.headers)?;
    let body = asked.body?;
    let request: RerunRequest = body::from_json(&body)?;
    let keyed = match key {
        Some(key) => {
            let operation = format!("rerun {of}");
            let body = body::from_json(&body)?;
            Some(key.of(request.session.as_deref(), &operation, &body))
        }
        None => None,
    };
    let receipt = match accept::earlier(&edge, keyed.as_ref()).await? {
        Some(receipt) => receipt,
        None => {
            let submission = rerun::submission(&edge, of, request).await?;
            accept::take(&edge, submission, keyed).await?
        }
    };
    Ok(submit::accepted(receipt))
}

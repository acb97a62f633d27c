//! `POST /v1/snippets`, `GET /v1/snippets/{id}`

use std::sync::Arc;

use bytes::Bytes;
use runlog_nats::AppendError;
use runlog_schemas::api::{Problem, SnippetCreated, SnippetLinks, SnippetRequest, SnippetView};
use runlog_schemas::{Snippet, SnippetId};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION};
use warp::reply::Response;

use super::with;
use crate::body::{self, BodyLimits};
use crate::error::EdgeError;
use crate::key::Key;
use crate::query;
use crate::reply::{is_known, json, json_with, respond};
use crate::snippet;
use crate::state::Edge;

/// A snippet never changes, so whoever has it need not ask again.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let limits = BodyLimits {
        bytes: edge.config.max_body_bytes,
        time: edge.config.body_timeout,
    };
    let create = warp::path!("v1" / "snippets")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(body::json_body(limits))
        .then(async |edge, query: String, headers: HeaderMap, body| {
            respond(post(edge, &query, &headers, body).await)
        });
    let read = warp::path!("v1" / "snippets" / String)
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .then(async |text: String, edge, query: String, headers| {
            respond(get(&text, edge, &query, &headers).await)
        });
    create.or(read).unify().boxed()
}

/// Share a program
///
/// A snippet is a program with, where `execution_id` is given, the recording of one of its runs. It
/// never changes, and who has its id needs no more to read it. With `execution_id` alone, the
/// program is the one of that execution.
///
/// With the header `Idempotency-Key` the same request is done once, for a week.
#[utoipa::path(
    post,
    operation_id = "create_snippet",
    path = "/v1/snippets",
    tag = "snippets",
    params(("Idempotency-Key" = Option<String>, Header, description = "Do this once.")),
    request_body = SnippetRequest,
    responses(
        (status = 201, description = "It is in the log.", body = SnippetCreated,
            headers(("Location" = String, description = "Where the snippet is."))),
        (status = 400, description = "Not JSON, or a query or key that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key was used for another request.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 1 MiB.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields make no sense, or there is no such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(
    edge: Arc<Edge>,
    query: &str,
    headers: &HeaderMap,
    body: Result<Bytes, EdgeError>,
) -> Result<Response, EdgeError> {
    query::none(query)?;
    let key = Key::read(headers)?;
    if edge.draining.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    let body = body?;
    let request: SnippetRequest = body::from_json(&body)?;
    let snippet = snippet::complete(&edge, request).await?;
    let mut id = snippet::new_id()?;
    if let Some(key) = &key {
        id = key.of_snippet(&edge, &body::from_json(&body)?, id).await?;
    }
    append(&edge, id, &snippet).await?;
    let links = SnippetLinks::of(id, snippet.run.map(|run| run.execution_id));
    let location = HeaderValue::from_str(&links.this)
        .expect("a path of letters, digits and slashes fits a header");
    let mut response = json_with(StatusCode::CREATED, &SnippetCreated { id, links });
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

async fn append(edge: &Edge, id: SnippetId, snippet: &Snippet) -> Result<(), EdgeError> {
    let appended = edge
        .log
        .append_snippet(id, snippet, edge.clock.now_ms())
        .await;
    match appended {
        Ok(_) => Ok(()),
        Err(AppendError::TooLarge { max, .. }) => Err(EdgeError::BodyTooLarge { limit: max }),
        Err(error @ AppendError::Full(_)) => Err(EdgeError::LogFull(error.into())),
        // Of an unclear one nobody has the id, so it may be sent again.
        Err(error @ (AppendError::Unavailable(_) | AppendError::Unknown(_))) => {
            Err(EdgeError::LogUnavailable(error.into()))
        }
        // The same request under the same key was faster; a new id is nobody else's.
        Err(AppendError::Conflict) => Ok(()),
        Err(error @ AppendError::Refused { .. }) => Err(EdgeError::Broken(error.into())),
    }
}

/// Read a program that was shared
///
/// It never changes: keep it for as long as you like.
#[utoipa::path(
    get,
    operation_id = "get_snippet",
    path = "/v1/snippets/{id}",
    tag = "snippets",
    params(("id" = SnippetId, Path, description = "The snippet's id.")),
    responses(
        (status = 200, description = "The snippet.", body = SnippetView,
            headers(("ETag" = String, description = "For `If-None-Match`."))),
        (status = 304, description = "You have it: it is as `If-None-Match` says."),
        (status = 400, description = "Not an id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such snippet.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Neither the log nor the history answers.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(
    text: &str,
    edge: Arc<Edge>,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response, EdgeError> {
    let id: SnippetId = text.parse()?;
    query::none(query)?;
    let event = snippet::find(&edge, id).await?;
    let tag = format!("\"{id}\"");
    let mut response = if is_known(headers.get_all(IF_NONE_MATCH), &tag) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        json(&SnippetView::of(id, event))
    };
    let tag = HeaderValue::from_str(&tag).expect("digits in quotes fit a header");
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(CACHE_CONTROL, FOR_GOOD);
    Ok(response)
}

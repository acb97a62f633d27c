//! `GET`, `DELETE /v1/dead-letters/{id}` and `POST /v1/dead-letters/{id}/redrive`

use std::sync::Arc;

use runlog_nats::StoredLetter;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Accepted, DeadLetterView, Problem};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use super::{id, submit, with};
use crate::error::EdgeError;
use crate::key::Key;
use crate::reply::{json, respond};
use crate::state::Edge;
use crate::{letters, query, record, repeat};

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let read = warp::path!("v1" / "dead-letters" / String)
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(get(&text, edge, &query).await));
    let remove = warp::path!("v1" / "dead-letters" / String)
        .and(warp::delete())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(delete(&text, edge, &query).await));
    let again = warp::path!("v1" / "dead-letters" / String / "redrive")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .then(async |text: String, edge, query: String, headers| {
            respond(redrive(&text, edge, &query, headers).await)
        });
    read.or(remove).unify().or(again).unify().boxed()
}

/// Look at a dead letter
///
/// With the execution and every attempt, where they are still known.
#[utoipa::path(
    get,
    operation_id = "get_dead_letter",
    path = "/v1/dead-letters/{id}",
    tag = "dead letters",
    params(("id" = ExecutionId, Path, description = "The id of the execution that was given up.")),
    responses(
        (status = 200, description = "The letter.", body = DeadLetterView),
        (status = 400, description = "Not an id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No dead letter has this id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(text: &str, edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    query::none(query)?;
    let stored = find(&edge, text).await?;
    Ok(json(&DeadLetterView {
        execution: record::view(&edge, stored.id).await.ok(),
        ..letters::view(&stored)
    }))
}

/// Drop a dead letter
///
/// The execution stays in the log and in the history as it is.
#[utoipa::path(
    delete,
    operation_id = "drop_dead_letter",
    path = "/v1/dead-letters/{id}",
    tag = "dead letters",
    params(("id" = ExecutionId, Path, description = "The id of the execution that was given up.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 400, description = "Not an id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No dead letter has this id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(text: &str, edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    query::none(query)?;
    if !edge.log.drop_dead_letter(id(text)?).await? {
        return Err(EdgeError::NoSuchLetter);
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// Try a dead letter again
///
/// As a new execution, which is linked to the old one. A letter has one such execution: asking
/// again gives the same, whatever the `Idempotency-Key`. If that is given up as well, it has a
/// dead letter of its own.
#[utoipa::path(
    post,
    operation_id = "redrive_dead_letter",
    path = "/v1/dead-letters/{id}/redrive",
    tag = "dead letters",
    params(
        ("id" = ExecutionId, Path, description = "The id of the execution that was given up."),
        ("Idempotency-Key" = Option<String>, Header, description = "Not needed here."),
    ),
    responses(
        (status = 202, description = "The new execution is in the log.", body = Accepted,
            headers(("Location" = String, description = "Where the execution is."))),
        (status = 400, description = "Not an id, or a key that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No dead letter has this id.",
            body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "What was submitted is kept nowhere any more.",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The session has its share of the queue waiting.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away, or the queue is full.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn redrive(
    text: &str,
    edge: Arc<Edge>,
    query: &str,
    headers: HeaderMap,
) -> Result<Response, EdgeError> {
    query::none(query)?;
    Key::read(&headers)?;
    let stored = find(&edge, text).await?;
    let receipt = repeat::redrive(&edge, &stored).await?;
    Ok(submit::accepted(receipt))
}

async fn find(edge: &Edge, text: &str) -> Result<StoredLetter, EdgeError> {
    let stored = edge.log.dead_letter(id(text)?).await?;
    stored.ok_or(EdgeError::NoSuchLetter)
}

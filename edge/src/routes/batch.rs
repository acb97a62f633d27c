//! `POST /v1/executions/batch`

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use runlog_schemas::api::{
    Accepted, BatchItem, BatchReply, BatchRequest, FieldProblem, Links, Problem, SubmitRequest,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use super::{submit, with};
use crate::accept;
use crate::body::{self, BodyLimits};
use crate::error::EdgeError;
use crate::key::Key;
use crate::query;
use crate::reply::{REQUEST_ID, json_with, respond};
use crate::state::Edge;

/// Programs of one batch.
const MOST: usize = 1_000;
/// Appends under way at once.
const PIPELINE: usize = 64;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let limits = BodyLimits {
        bytes: edge.config.max_batch_bytes,
        time: edge.config.body_timeout,
    };
    warp::path!("v1" / "executions" / "batch")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(body::json_body(limits))
        .then(async |edge, query: String, headers, body| {
            respond(post(edge, &query, headers, body).await)
        })
        .boxed()
}

/// A [`BatchRequest`] whose programs are read one by one, so that each is refused by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Programs {
    executions: Vec<Box<RawValue>>,
}

/// Run many programs
///
/// Up to 1,000 programs, with 16 MiB together. Each is accepted or refused by itself: the answer
/// has one item for each, in the same order.
///
/// An `Idempotency-Key` counts for each program with its place: the third program of a batch is
/// done once under that key, whatever became of the second.
#[utoipa::path(
    post,
    operation_id = "submit_batch",
    path = "/v1/executions/batch",
    tag = "executions",
    params(("Idempotency-Key" = Option<String>, Header, description = "Do each of these once.")),
    request_body = BatchRequest,
    responses(
        (status = 200, description = "What became of each.", body = BatchReply),
        (status = 400, description = "Not JSON, or a key that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 16 MiB.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "None or too many programs.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(
    edge: Arc<Edge>,
    query: &str,
    headers: HeaderMap,
    body: Result<Bytes, EdgeError>,
) -> Result<Response, EdgeError> {
    query::none(query)?;
    let key = Key::read(&headers)?;
    let body = body?;
    let programs: Programs = body::from_json(&body)?;
    let count = programs.executions.len();
    if !(1..=MOST).contains(&count) {
        return Err(EdgeError::InvalidRequest(vec![FieldProblem {
            field: "executions".to_owned(),
            given: format!("{count} programs"),
            allowed: format!("1 to {MOST}"),
        }]));
    }
    let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let programs = programs.executions.into_iter().enumerate();
    let executions = stream::iter(programs)
        .map(|(place, program)| {
            let key = key.as_ref().map(|key| key.item(place));
            one(Arc::clone(&edge), program, key)
        })
        .buffered(PIPELINE)
        .map(|accepted| item(accepted, request_id.unwrap_or_default()))
        .collect()
        .await;
    Ok(json_with(StatusCode::OK, &BatchReply { executions }))
}

async fn one(
    edge: Arc<Edge>,
    program: Box<RawValue>,
    key: Option<Key>,
) -> Result<Accepted, EdgeError> {
    let program = program.get();
    if program.len() > edge.config.max_body_bytes {
        return Err(EdgeError::BodyTooLarge {
            limit: edge.config.max_body_bytes,
        });
    }
    let request: SubmitRequest = body::from_json(program.as_bytes())?;
    let keyed = match key {
        Some(key) => {
            let body = body::from_json(program.as_bytes())?;
            Some(key.of(request.session.as_deref(), submit::OPERATION, &body))
        }
        None => None,
    };
    let receipt = accept::accept(&edge, request, keyed).await?;
    Ok(Accepted {
        id: receipt.id,
        links: Links::of(receipt.id),
    })
}

fn item(accepted: Result<Accepted, EdgeError>, request_id: &str) -> BatchItem {
    match accepted {
        Ok(accepted) => BatchItem::Accepted(accepted),
        Err(error) => BatchItem::Refused(Problem {
            request_id: request_id.to_owned(),
            ..error.problem()
        }),
    }
}

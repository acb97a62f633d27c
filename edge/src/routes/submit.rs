//! `POST /v1/executions`

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Accepted, Completed, Links, Problem, SubmitQuery, SubmitRequest};
use tokio::time::timeout;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{HeaderName, HeaderValue, LOCATION};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use super::with;
use crate::accept::{self, Receipt};
use crate::body::{self, BodyLimits};
use crate::error::EdgeError;
use crate::key::Key;
use crate::live::Seat;
use crate::query::{self, Query};
use crate::record::{self, Recorded};
use crate::reply::{json_with, respond};
use crate::state::Edge;

/// What is done, for the digest of a request with an idempotency key.
pub(super) const OPERATION: &str = "submit";
/// On the answer to a request whose key had been used for the same one before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long an answer may be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let limits = BodyLimits {
        bytes: edge.config.max_body_bytes,
        time: edge.config.body_timeout,
    };
    warp::path!("v1" / "executions")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(body::json_body(limits))
        .then(async |edge, query: String, headers: HeaderMap, body| {
            respond(post(edge, &query, &headers, body).await)
        })
        .boxed()
}

/// Run a program
///
/// The answer comes when the submission is in the log, on disk. With `wait` it comes when the
/// execution has ended, with all that it wrote, or after that time.
///
/// With the header `Idempotency-Key` (1 to 255 visible ASCII characters) the same request is done
/// once, however often it is sent: later ones get the same answer, marked with
/// `Idempotency-Replayed: true`. Keys of different sessions are different keys.
#[utoipa::path(
    post,
    operation_id = "submit",
    path = "/v1/executions",
    tag = "executions",
    params(
        SubmitQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Do this once."),
    ),
    request_body = SubmitRequest,
    responses(
        (status = 200, description = "It was waited for, and has ended.", body = Completed),
        (status = 202, description = "It is in the log.", body = Accepted,
            headers(("Location" = String, description = "Where the execution is."))),
        (status = 400, description = "Not JSON, or a query or key that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key was used for another request.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 1 MiB.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields make no sense, or the language is not available.",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The session has its share of the queue waiting.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503,
            description = "The queue is full, the log is away, or no worker knows the language yet.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(
    edge: Arc<Edge>,
    query: &str,
    headers: &HeaderMap,
    body: Result<Bytes, EdgeError>,
) -> Result<Response, EdgeError> {
    let key = Key::read(headers)?;
    let mut query = Query::parse(query);
    let wait = query.read("wait", "a time up to 60s, such as 10s or 500ms", wait);
    query.finish()?;
    let body = body?;
    let request: SubmitRequest = body::from_json(&body)?;
    let keyed = match key {
        Some(key) => Some(key.of(
            request.session.as_deref(),
            OPERATION,
            &body::from_json(&body)?,
        )),
        None => None,
    };
    let Some(wait) = wait else {
        return Ok(accepted(accept::accept(&edge, request, keyed).await?));
    };
    let (receipt, seat) = accept::accept_and_watch(&edge, request, keyed).await?;
    Ok(match completed(&edge, (receipt.id, seat), wait).await? {
        Some(response) => marked(response, receipt),
        None => accepted(receipt),
    })
}

/// Says whether the request had been done before.
fn marked(mut response: Response, receipt: Receipt) -> Response {
    if receipt.repeated {
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// 202, with where the execution is.
pub(super) fn accepted(receipt: Receipt) -> Response {
    let id = receipt.id;
    let links = Links::of(id);
    let location = HeaderValue::from_str(&links.this)
        .expect("a path of letters, digits, slashes and hyphens fits a header");
    let mut response = json_with(StatusCode::ACCEPTED, &Accepted { id, links });
    response.headers_mut().insert(LOCATION, location);
    marked(response, receipt)
}

/// The end of an execution and its output, where it comes in time.
async fn completed(
    edge: &Arc<Edge>,
    (id, seat): (ExecutionId, Seat),
    wait: Duration,
) -> Result<Option<Response>, EdgeError> {
    let mut progress = seat.progress();
    let ended = progress.wait_for(|progress| progress.end.is_some());
    if timeout(wait, ended).await.is_err() {
        return Ok(None);
    }
    let recorded = match Recorded::shown(id, &seat) {
        Some(recorded) => recorded,
        None => record::recorded(edge, id).await?,
    };
    if recorded.execution().end().is_none() {
        // The feed broke off: the sender can ask again.
        return Ok(None);
    }
    let completed = Completed {
        execution: recorded.view()?,
        output: recorded.output(),
    };
    Ok(Some(json_with(StatusCode::OK, &completed)))
}

/// `10s`, `500ms` or `10`, which is seconds.
fn wait(text: &str) -> Option<Duration> {
    let wait = if let Some(milliseconds) = text.strip_suffix("ms") {
        Duration::from_millis(milliseconds.parse().ok()?)
    } else {
        let seconds: u64 = text.strip_suffix('s').unwrap_or(text).parse().ok()?;
        Duration::from_secs(seconds)
    };
    (wait <= LONGEST_WAIT).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_have_a_unit_and_an_end() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("10s", Some(ms(10_000))),
            ("0", Some(ms(0))),
            ("60", Some(ms(60_000))),
            ("500ms", Some(ms(500))),
            ("61s", None),
            ("60001ms", None),
            ("", None),
            ("s", None),
            ("-1", None),
            ("1.5s", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(wait(text), expected, "{text}");
        }
    }
}

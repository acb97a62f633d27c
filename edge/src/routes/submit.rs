//! `POST /v1/executions`

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runlog_nats::AppendError;
use runlog_schemas::api::{Accepted, Completed, Links, Problem, SubmitQuery, SubmitRequest};
use runlog_schemas::{ExecutionId, Submission};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{HeaderValue, LOCATION};
use warp::reply::Response;

use super::with;
use crate::body::{self, BodyLimits};
use crate::error::EdgeError;
use crate::metrics::Submitted;
use crate::query::{self, Query};
use crate::record::{self, Recorded};
use crate::reply::{json_with, respond};
use crate::state::Edge;
use crate::submit;

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
        .and(body::json_body(limits))
        .then(async |edge, query: String, body| respond(post(edge, &query, body).await))
        .boxed()
}

/// Run a program
///
/// The answer comes when the submission is in the log, on disk. With `wait` it comes when the
/// execution has ended, with all that it wrote, or after that time.
#[utoipa::path(
    post,
    operation_id = "submit",
    path = "/v1/executions",
    tag = "executions",
    params(SubmitQuery),
    request_body = SubmitRequest,
    responses(
        (status = 200, description = "It was waited for, and has ended.", body = Completed),
        (status = 202, description = "It is in the log.", body = Accepted,
            headers(("Location" = String, description = "Where the execution is."))),
        (status = 400, description = "Not JSON, or a query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 1 MiB.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields make no sense, or the language is not available.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away, or no worker knows the language yet.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn post(
    edge: Arc<Edge>,
    query: &str,
    body: Result<Bytes, EdgeError>,
) -> Result<Response, EdgeError> {
    let mut query = Query::parse(query);
    let wait = query.read("wait", "a time up to 60s, such as 10s or 500ms", wait);
    query.finish()?;
    let request: SubmitRequest = body::from_json(&body?)?;
    let id = accept(&edge, request).await?;
    if let Some(wait) = wait
        && let Some(response) = completed(&edge, id, Instant::now() + wait).await?
    {
        return Ok(response);
    }
    Ok(accepted(id))
}

fn accepted(id: ExecutionId) -> Response {
    let links = Links::of(id);
    let location = HeaderValue::from_str(&links.this)
        .expect("a path of letters, digits, slashes and hyphens fits a header");
    let mut response = json_with(StatusCode::ACCEPTED, &Accepted { id, links });
    response.headers_mut().insert(LOCATION, location);
    response
}

/// Checks a request and appends it.
pub(super) async fn accept(edge: &Edge, request: SubmitRequest) -> Result<ExecutionId, EdgeError> {
    let priority = request.priority;
    let language = edge.catalog.find(&request.language);
    let language = language.map_or_else(|| "unknown".to_owned(), |it| it.id.clone());
    let count = |result| edge.metrics.submission(&language, priority, result);
    let submission = check(edge, request).inspect_err(|_| count(Submitted::Refused))?;
    let id = ExecutionId::from_uuid(Uuid::now_v7());
    let appended = append(edge, id, &submission).await;
    count(match appended {
        Ok(()) => Submitted::Accepted,
        Err(_) => Submitted::Failed,
    });
    appended.map(|()| id)
}

fn check(edge: &Edge, request: SubmitRequest) -> Result<Submission, EdgeError> {
    if edge.draining.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    let given = request.language.clone();
    let submission =
        submit::check(request, &edge.catalog).map_err(|refused| submit::refusal(given, refused))?;
    edge.reports.require(&submission.language)?;
    Ok(submission)
}

async fn append(edge: &Edge, id: ExecutionId, submission: &Submission) -> Result<(), EdgeError> {
    let appended = edge
        .log
        .append_submission(id, submission, edge.clock.now_ms())
        .await;
    match appended {
        Ok(_) => Ok(()),
        Err(AppendError::TooLarge { max, .. }) => Err(EdgeError::BodyTooLarge { limit: max }),
        Err(error @ AppendError::Full(_)) => Err(EdgeError::LogFull(error.into())),
        Err(error @ AppendError::Unavailable(_)) => Err(EdgeError::LogUnavailable(error.into())),
        Err(error @ AppendError::Unknown(_)) => Err(EdgeError::Unclear {
            id,
            source: error.into(),
        }),
        // The id is new, so nothing can stand in its place.
        Err(error @ (AppendError::Conflict | AppendError::Refused { .. })) => {
            Err(EdgeError::Broken(error.into()))
        }
    }
}

/// The end of an execution and its output, where it comes in time.
async fn completed(
    edge: &Arc<Edge>,
    id: ExecutionId,
    until: Instant,
) -> Result<Option<Response>, EdgeError> {
    let seat = edge.hub.join(id);
    let mut progress = seat.progress();
    let ended = progress.wait_for(|progress| progress.end.is_some());
    if timeout_at(until, ended).await.is_err() {
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

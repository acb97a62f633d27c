//! `GET /v1/executions`

use std::sync::Arc;

use runlog_schemas::Outcome;
use runlog_schemas::api::{ExecutionPage, ExecutionView, HistoryQuery, Problem};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::with;
use crate::error::EdgeError;
use crate::history::{Filter, Place, Remembered};
use crate::query::{self, Query};
use crate::reply::{json, respond};
use crate::state::Edge;
use crate::submit::{SESSION_ALLOWED, is_session};

const MOST: u32 = 200;
const USUAL: u32 = 50;
const TIME_ALLOWED: &str = "milliseconds since 1970";

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |edge, query: String| respond(get(edge, &query).await))
        .boxed()
}

/// Look through the history
///
/// Newest first. The history is a moment behind the log; an execution that was just accepted is
/// found by its id at once.
#[utoipa::path(
    get,
    operation_id = "list_executions",
    path = "/v1/executions",
    tag = "history",
    params(HistoryQuery),
    responses(
        (status = 200, description = "A page.", body = ExecutionPage),
        (status = 400, description = "A query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The history is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let (filter, after, limit) = read(&edge, query)?;
    let Some(history) = &edge.history else {
        return Err(EdgeError::HistoryUnavailable(
            "this edge was started without one".into(),
        ));
    };
    // One more than asked for tells whether there is another page.
    let mut rows = history.page(&filter, after, i64::from(limit) + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).and_then(place);
    let executions = rows
        .iter()
        .filter_map(|row| ExecutionView::of(row.id, &row.execution))
        .collect();
    Ok(json(&ExecutionPage {
        executions,
        next: next.map(|place| place.to_string()),
    }))
}

fn place(row: &Remembered) -> Option<Place> {
    let submitted_at_ms = row.execution.origin.as_ref()?.submitted_at_ms;
    Some(Place {
        submitted_at_ms: i64::try_from(submitted_at_ms).ok()?,
        id: row.id.as_uuid(),
    })
}

fn read(edge: &Edge, query: &str) -> Result<(Filter, Option<Place>, u32), EdgeError> {
    let languages: Vec<&str> = edge.catalog.iter().map(|it| it.id.as_str()).collect();
    let languages = format!("one of {}", languages.join(", "));
    let outcomes = format!("one of {}", Outcome::NAMES.join(", "));
    let mut query = Query::parse(query);
    let filter = Filter {
        session: query.read("session", SESSION_ALLOWED, |text| {
            is_session(text).then(|| text.to_owned())
        }),
        language: query.read("language", languages, |text| {
            edge.catalog.find(text).map(|language| language.id.clone())
        }),
        state: query.read("status", "one of queued, running, ended", |text| {
            ["queued", "running", "ended"]
                .into_iter()
                .find(|it| *it == text)
        }),
        outcome: query.read("outcome", outcomes, |text| {
            Outcome::NAMES.contains(&text).then(|| text.to_owned())
        }),
        since_ms: query.parsed("since_ms", TIME_ALLOWED),
        until_ms: query.parsed("until_ms", TIME_ALLOWED),
    };
    let after = query.parsed("after", "the `next` of a page");
    let limit = query.read("limit", format!("1 to {MOST}"), |text| {
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
    });
    query.finish()?;
    Ok((filter, after, limit.unwrap_or(USUAL)))
}

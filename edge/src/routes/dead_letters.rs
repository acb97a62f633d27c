//! `GET /v1/dead-letters`, and doing something with many of them

use std::sync::Arc;

use bytes::Bytes;
use runlog_nats::StoredLetter;
use runlog_schemas::api::{
    DeadLetterAction, DeadLetterPage, DeadLetterQuery, DeadLetterReport, DeadLetterSelection,
    FieldProblem, Problem,
};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::reply::Response;

use super::with;
use crate::body::{self, BodyLimits};
use crate::error::EdgeError;
use crate::key::Key;
use crate::letters::{self, Wanted};
use crate::query::{self, Query};
use crate::repeat;
use crate::reply::{REQUEST_ID, json, respond};
use crate::state::Edge;

/// Letters of one page.
const MOST: usize = 200;
const USUAL: usize = 50;
/// Letters that something is done with at once.
const MOST_AT_ONCE: usize = 1_000;
const TIME_ALLOWED: &str = "milliseconds since 1970";

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let limits = BodyLimits {
        bytes: edge.config.max_body_bytes,
        time: edge.config.body_timeout,
    };
    let list = warp::path!("v1" / "dead-letters")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |edge, query: String| respond(get(edge, &query).await));
    let again = warp::path!("v1" / "dead-letters" / "redrive")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(body::json_body(limits))
        .then(async |edge, query: String, headers, body| {
            respond(redrive(edge, &query, headers, body).await)
        });
    let remove = warp::path!("v1" / "dead-letters" / "drop")
        .and(warp::post())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(body::json_body(limits))
        .then(async |edge, query: String, headers, body| {
            respond(drop(edge, &query, headers, body).await)
        });
    list.or(again).unify().or(remove).unify().boxed()
}

/// List the dead letters
///
/// The oldest first. They are kept for thirty days.
#[utoipa::path(
    get,
    operation_id = "list_dead_letters",
    path = "/v1/dead-letters",
    tag = "dead letters",
    params(DeadLetterQuery),
    responses(
        (status = 200, description = "A page.", body = DeadLetterPage),
        (status = 400, description = "A query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let mut query = Query::parse(query);
    let wanted = Wanted {
        language: query.read("language", languages(&edge), |text| language(&edge, text)),
        reason: query.text("reason").map(|text| text.to_lowercase()),
        since_ms: query.parsed("since_ms", TIME_ALLOWED),
        until_ms: query.parsed("until_ms", TIME_ALLOWED),
        redriven: query.parsed("redriven", "true or false"),
    };
    let after = query.parsed("after", "the `next` of a page");
    let limit = query.read("limit", format!("1 to {MOST}"), |text| {
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
    });
    query.finish()?;
    let limit = limit.unwrap_or(USUAL);
    let found = letters::find(&edge, &wanted, after.unwrap_or(0), limit).await?;
    Ok(json(&DeadLetterPage {
        letters: found.letters.iter().map(letters::view).collect(),
        next: found.next.map(|sequence| sequence.to_string()),
    }))
}

/// Try many dead letters again
///
/// All that fit and were not tried again before, up to the limit; each becomes an execution of its
/// own. Doing it twice does it once.
#[utoipa::path(
    post,
    operation_id = "redrive_dead_letters",
    path = "/v1/dead-letters/redrive",
    tag = "dead letters",
    params(("Idempotency-Key" = Option<String>, Header, description = "Not needed here.")),
    request_body = DeadLetterSelection,
    responses(
        (status = 200, description = "What became of each.", body = DeadLetterReport),
        (status = 400, description = "Not JSON, or a key that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields make no sense, or no filter was given.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn redrive(
    edge: Arc<Edge>,
    query: &str,
    headers: HeaderMap,
    body: Result<Bytes, EdgeError>,
) -> Result<Response, EdgeError> {
    query::none(query)?;
    Key::read(&headers)?;
    let (selection, mut wanted) = selection(&edge, &body?)?;
    wanted.redriven = Some(false);
    let action = Action {
        redrive: true,
        request_id: request_id(&headers),
    };
    Ok(json(&for_each(&edge, &selection, &wanted, &action).await?))
}

/// Drop many dead letters
///
/// All that fit, up to the limit. The executions stay as they are.
#[utoipa::path(
    post,
    operation_id = "drop_dead_letters",
    path = "/v1/dead-letters/drop",
    tag = "dead letters",
    request_body = DeadLetterSelection,
    responses(
        (status = 200, description = "What became of each.", body = DeadLetterReport),
        (status = 400, description = "Not JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields make no sense, or no filter was given.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn drop(
    edge: Arc<Edge>,
    query: &str,
    headers: HeaderMap,
    body: Result<Bytes, EdgeError>,
) -> Result<Response, EdgeError> {
    query::none(query)?;
    let (selection, wanted) = selection(&edge, &body?)?;
    let action = Action {
        redrive: false,
        request_id: request_id(&headers),
    };
    Ok(json(&for_each(&edge, &selection, &wanted, &action).await?))
}

/// What is done with letters.
struct Action {
    /// Tried again; otherwise dropped.
    redrive: bool,
    /// For the problems of single ones.
    request_id: String,
}

impl Action {
    async fn apply(&self, edge: &Edge, stored: &StoredLetter) -> DeadLetterAction {
        let done = if self.redrive {
            repeat::redrive(edge, stored).await.map(|it| Some(it.id))
        } else {
            let dropped = edge.log.drop_dead_letter(stored.id).await;
            dropped.map(|_| None).map_err(EdgeError::from)
        };
        let problem = done.as_ref().err().map(|error| Problem {
            request_id: self.request_id.clone(),
            ..error.problem()
        });
        DeadLetterAction {
            id: stored.id,
            redriven_as: done.ok().flatten(),
            problem,
        }
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// Does something with every letter that was selected, unless it is only to be said which.
async fn for_each(
    edge: &Edge,
    selection: &DeadLetterSelection,
    wanted: &Wanted,
    action: &Action,
) -> Result<DeadLetterReport, EdgeError> {
    let limit = selection.limit.map_or(MOST_AT_ONCE, |limit| limit as usize);
    let found = letters::find(edge, wanted, 0, limit).await?;
    let mut letters = Vec::with_capacity(found.letters.len());
    for stored in &found.letters {
        letters.push(if selection.dry_run {
            DeadLetterAction {
                id: stored.id,
                redriven_as: None,
                problem: None,
            }
        } else {
            action.apply(edge, stored).await
        });
    }
    let more = match found.next {
        Some(after) => !letters::find(edge, wanted, after, 1)
            .await?
            .letters
            .is_empty(),
        None => false,
    };
    Ok(DeadLetterReport {
        dry_run: selection.dry_run,
        letters,
        more,
    })
}

fn selection(edge: &Edge, body: &[u8]) -> Result<(DeadLetterSelection, Wanted), EdgeError> {
    let selection: DeadLetterSelection = body::from_json(body)?;
    let mut problems = Vec::new();
    let mut refuse = |field: &str, given: &str, allowed: String| {
        problems.push(FieldProblem {
            field: field.to_owned(),
            given: body::shorten(given),
            allowed,
        });
    };
    let by_id = selection.language.as_ref().map(|text| language(edge, text));
    if by_id == Some(None) {
        let given = selection.language.as_deref().unwrap_or_default();
        refuse("language", given, languages(edge));
    }
    if let Some(limit) = selection.limit
        && !(1..=MOST_AT_ONCE as u64).contains(&limit)
    {
        refuse("limit", &limit.to_string(), format!("1 to {MOST_AT_ONCE}"));
    }
    let times = selection.since_ms.is_some() || selection.until_ms.is_some();
    let filtered = times || selection.language.is_some() || selection.reason.is_some();
    if filtered == selection.all {
        let given = if filtered {
            "together with a filter"
        } else {
            "no filter"
        };
        let allowed = "language, reason, since_ms or until_ms; or true for every letter";
        refuse("all", given, allowed.to_owned());
    }
    if !problems.is_empty() {
        return Err(EdgeError::InvalidRequest(problems));
    }
    let wanted = Wanted {
        language: by_id.flatten(),
        reason: selection.reason.as_ref().map(|text| text.to_lowercase()),
        since_ms: selection.since_ms,
        until_ms: selection.until_ms,
        redriven: None,
    };
    Ok((selection, wanted))
}

fn language(edge: &Edge, text: &str) -> Option<String> {
    edge.catalog.find(text).map(|language| language.id.clone())
}

fn languages(edge: &Edge) -> String {
    let ids: Vec<&str> = edge.catalog.iter().map(|it| it.id.as_str()).collect();
    format!("one of {}", ids.join(", "))
}

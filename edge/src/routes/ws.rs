//! `GET /v1/executions/{id}/ws`

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Problem, StreamQuery};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::http::header::{HOST, ORIGIN};
use warp::reply::Response;

use super::events::CURSOR_ALLOWED;
use super::{id, with};
use crate::error::EdgeError;
use crate::live::open;
use crate::query::{self, Query};
use crate::reply::respond;
use crate::socket::{self, Upgrade};
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String / "ws")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
        .then(
            async |text: String, edge, query: String, headers, on_upgrade| {
                respond(get(&text, &edge, &query, &headers, on_upgrade).await)
            },
        )
        .boxed()
}

/// Watch and talk to an execution
///
/// A WebSocket with the same messages as the events, as text. What is sent to it, `ViewerRequest`
/// as text, is handed to the program. What cannot be done is answered with a message of type
/// `error`; the socket stays open, also when the execution has ended or does not exist.
#[utoipa::path(
    get,
    operation_id = "talk_to_execution",
    path = "/v1/executions/{id}/ws",
    tag = "live",
    params(("id" = ExecutionId, Path, description = "The execution's id."), StreamQuery),
    responses(
        (status = 101, description = "From here on the socket speaks."),
        (status = 400, description = "Not an id, or not a cursor.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A page of another origin.",
            body = Problem, content_type = "application/problem+json"),
        (status = 426, description = "No upgrade to a WebSocket was asked for.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The log is away.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(
    text: &str,
    edge: &Arc<Edge>,
    query: &str,
    headers: &HeaderMap,
    on_upgrade: Option<OnUpgrade>,
) -> Result<Response, EdgeError> {
    let id = id(text)?;
    let upgrade = Upgrade::read(headers, on_upgrade)?;
    check_origin(headers, &edge.config.allowed_origins)?;
    let mut query = Query::parse(query);
    let from = query.parsed("from", CURSOR_ALLOWED).unwrap_or_default();
    query.finish()?;
    if edge.closing.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    let viewer = match open(edge, id, from).await {
        Ok(opened) => Some(opened.viewer),
        Err(EdgeError::NoSuchExecution) => None,
        Err(error) => return Err(error),
    };
    let response = upgrade.response();
    let shared = Arc::clone(edge);
    edge.tracker.spawn(async move {
        let largest = shared.config.max_message_bytes;
        if let Some(websocket) = upgrade.socket(largest).await {
            socket::run(shared, id, viewer, websocket).await;
        }
    });
    Ok(response)
}

/// Refuses pages of other origins. Browsers let any page open a WebSocket anywhere and say only
/// where it is from; other programs say nothing.
fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), EdgeError> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("?");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, authority)| authority);
    if own.is_some() && own == host || allowed.iter().any(|it| it == "*" || it == origin) {
        return Ok(());
    }
    Err(EdgeError::ForeignOrigin {
        origin: origin.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    #[test]
    fn only_own_and_allowed_pages_may_open_sockets() {
        let check = |origin: Option<&'static str>, allowed: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("runlog.test:8080"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            let allowed: Vec<String> = allowed.iter().map(|&it| it.to_owned()).collect();
            check_origin(&headers, &allowed).is_ok()
        };
        assert!(check(None, &[]));
        assert!(check(Some("http://runlog.test:8080"), &[]));
        assert!(!check(Some("http://runlog.test"), &[]));
        assert!(!check(Some("http://evil.test"), &[]));
        assert!(!check(Some("null"), &[]));
        assert!(check(Some("http://evil.test"), &["*"]));
        assert!(check(Some("https://ide.test"), &["https://ide.test"]));
        assert!(!check(Some("http://ide.test"), &["https://ide.test"]));
    }
}

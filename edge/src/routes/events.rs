//! `GET /v1/executions/{id}/events`

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, stream};
use runlog_schemas::api::{Problem, StreamQuery, ViewerMessage};
use runlog_schemas::{Cursor, ExecutionId};
use tokio::time::{Interval, MissedTickBehavior, interval};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::{Reply as _, Response};

use super::{id, with};
use crate::error::EdgeError;
use crate::live::{Next, open, sse_of};
use crate::metrics::{Counted, Transport};
use crate::query::{self, Query};
use crate::reply::respond;
use crate::state::Edge;

/// Time after which a browser connects again when the connection is lost.
pub(super) const RETRY: &str = "retry: 1000\n\n";
pub(super) const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");
/// Tells nginx and its like to pass every message on at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What a cursor is, for those who send something else.
pub(super) const CURSOR_ALLOWED: &str = "a cursor such as 12-345-6, as it came with an event";

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "executions" / String / "events")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .then(async |text: String, edge, query: String, headers| {
            respond(get(&text, &edge, &query, &headers).await)
        })
        .boxed()
}

/// Watch an execution
///
/// Server-Sent Events: everything from the beginning (or behind `Last-Event-ID` or `from`), once
/// and in order, and then what happens, until the terminal event. The event's name is the `type`
/// of the message, its id the cursor.
#[utoipa::path(
    get,
    operation_id = "watch_execution",
    path = "/v1/executions/{id}/events",
    tag = "live",
    params(
        ("id" = ExecutionId, Path, description = "The execution's id."),
        ("Last-Event-ID" = Option<String>, Header,
            description = "Go on behind this cursor; browsers send it by themselves."),
        StreamQuery,
    ),
    responses(
        (status = 200, description = "The stream.", body = ViewerMessage,
            content_type = "text/event-stream"),
        (status = 204, description = "The execution has ended and there is nothing behind the \
            cursor; browsers then stop connecting."),
        (status = 400, description = "Not an id, or not a cursor.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
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
) -> Result<Response, EdgeError> {
    let id = id(text)?;
    let from = resume_at(query, headers)?;
    if edge.closing.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    let opened = open(edge, id, from).await?;
    let mut messages = opened.viewer.into_stream().boxed();
    let mut first = None;
    if opened.ended {
        first = messages.next().await;
        if first.is_none() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    let events = Events {
        messages: stream::iter(first).chain(messages).boxed(),
        keep_alive: ticks(edge.config.keep_alive),
        quiet: false,
        over: false,
        _client: edge.metrics.client(Transport::Sse),
    };
    let start = stream::once(std::future::ready(Bytes::from_static(RETRY.as_bytes())));
    Ok(reply(start.chain(events.into_stream())))
}

/// Where to go on: the header counts before the query, which is still in the address when a
/// browser connects again.
fn resume_at(query: &str, headers: &HeaderMap) -> Result<Cursor, EdgeError> {
    let mut query = Query::parse(query);
    let from = query.parsed("from", CURSOR_ALLOWED);
    let header = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty());
    let header = header.map(|id| id.to_str().unwrap_or("?"));
    let last = query.check("Last-Event-ID", header, CURSOR_ALLOWED, |text| {
        text.parse().ok()
    });
    query.finish()?;
    Ok(last.or(from).unwrap_or_default())
}

/// Ticks twice in the time after which something must have been sent.
fn ticks(keep_alive: Duration) -> Interval {
    let mut ticks = interval(keep_alive / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What is sent to one viewer.
struct Events {
    messages: BoxStream<'static, Next>,
    keep_alive: Interval,
    /// Whether nothing has been sent since the last tick.
    quiet: bool,
    over: bool,
    _client: Counted,
}

impl Events {
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send {
        stream::unfold(self, |mut events| async move {
            events.next().await.map(|bytes| (bytes, events))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        loop {
            tokio::select! {
                biased;
                message = self.messages.next() => {
                    self.quiet = false;
                    return Some(self.event(message?));
                }
                _ = self.keep_alive.tick() => {
                    if std::mem::replace(&mut self.quiet, true) {
                        return Some(KEEP_ALIVE);
                    }
                }
            }
        }
    }

    fn event(&mut self, next: Next) -> Bytes {
        match next {
            Next::Frame(frame) => frame.sse(),
            Next::Notice(message) => sse_of(&message),
            Next::Resume(cursor) => {
                self.over = true;
                let cursor = cursor.to_string();
                let message = sse_of(&ViewerMessage::Resume { cursor });
                [message.as_ref(), RETRY.as_bytes()].concat().into()
            }
        }
    }
}

/// A stream of events as an answer.
pub(super) fn reply(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let events = crate::exclusive::Exclusive::new(events.map(Ok::<_, std::convert::Infallible>));
    let mut response = warp::reply::stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

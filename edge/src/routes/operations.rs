//! `GET /v1/operations/events`

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use runlog_schemas::api::{OperationsView, Problem};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::events::{KEEP_ALIVE, RETRY, reply};
use super::with;
use crate::error::EdgeError;
use crate::metrics::{Counted, Transport};
use crate::query;
use crate::reply::respond;
use crate::state::Edge;

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "operations" / "events")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .map(|edge: Arc<Edge>, query: String| respond(get(&edge, &query)))
        .boxed()
}

/// Watch the operations
///
/// Server-Sent Events named `operations`: queues, workers and dead letters as they stand, about once
/// a second.
#[utoipa::path(
    get,
    operation_id = "watch_operations",
    path = "/v1/operations/events",
    tag = "operations",
    responses(
        (status = 200, description = "The stream.", body = OperationsView,
            content_type = "text/event-stream"),
        (status = 400, description = "A query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "This edge is about to stop.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
fn get(edge: &Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    query::none(query)?;
    if edge.closing.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    let looks = Looks {
        views: edge.operations.watch(),
        keep_alive: edge.config.keep_alive / 2,
        closing: edge.closing.clone(),
        _client: edge.metrics.client(Transport::Sse),
    };
    let start = stream::once(std::future::ready(Bytes::from_static(RETRY.as_bytes())));
    Ok(reply(start.chain(looks.into_stream())))
}

/// What is sent to one who watches.
struct Looks {
    views: watch::Receiver<Option<Arc<OperationsView>>>,
    keep_alive: std::time::Duration,
    closing: CancellationToken,
    _client: Counted,
}

impl Looks {
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send {
        stream::unfold(self, |mut looks| async move {
            looks.next().await.map(|bytes| (bytes, looks))
        })
    }

    /// `None` when the edge stops.
    async fn next(&mut self) -> Option<Bytes> {
        let closing = self.closing.clone();
        tokio::select! {
            () = closing.cancelled() => None,
            Ok(bytes) = self.look() => Some(bytes),
        }
    }

    async fn look(&mut self) -> Result<Bytes, Infallible> {
        loop {
            match timeout(self.keep_alive, self.views.changed()).await {
                Err(_) => return Ok(KEEP_ALIVE),
                // Nobody looks any more, since the edge stops.
                Ok(Err(_)) => std::future::pending().await,
                Ok(Ok(())) => {}
            }
            if let Some(view) = self.views.borrow_and_update().as_deref() {
                return Ok(event(view));
            }
        }
    }
}

fn event(view: &OperationsView) -> Bytes {
    let json = serde_json::to_string(view)
        .expect("our types have string keys only, so they always serialise");
    format!("event: operations\ndata: {json}\n\n").into()
}

//! Our own loop around hyper: limits, time limits, and an orderly end.
//!
//! ```text
//! serve ── accepts ──> one task per connection ──> the rim ──> warp
//!   └── on shutdown: not ready → no new connections → viewers are sent away → bounded wait
//! ```

mod rim;
mod stall;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use warp::http::HeaderValue;
use warp::http::header::CONTENT_TYPE;

use crate::config::EdgeConfig;
use crate::reply::REQUEST_ID;
use crate::routes;
use crate::state::Edge;
use rim::Rim;
use stall::StallGuard;

/// Pause after the system refused a connection, for example because no file is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Streams on one HTTP/2 connection. A viewer holds one for as long as it looks.
const MAX_STREAMS: u32 = 250;
/// Pings on an HTTP/2 connection, so that a peer that went away is noticed.
const PING_EVERY: Duration = Duration::from_secs(20);
/// What is buffered of one connection in each direction, at most.
const CONNECTION_BUFFER: usize = 64 << 10;

/// Serves until `shutdown`, then lets what is under way come to an end.
pub(crate) async fn serve(edge: Arc<Edge>, listener: TcpListener, shutdown: CancellationToken) {
    let service = ServiceBuilder::new()
        .option_layer(cors(&edge.config.allowed_origins))
        // The default predicate leaves text/event-stream and what is small alone.
        .layer(CompressionLayer::new())
        .service(Rim::new(
            warp::service(routes::all(&edge)),
            edge.metrics.clone(),
        ));
    let service = TowerToHyperService::new(service);
    let builder = builder(&edge.config);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(edge.config.max_connections));
    let accepting = async {
        loop {
            // A slot first: who finds none waits in the listener's backlog.
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let Some(stream) = accept(&listener).await else {
                continue;
            };
            let stream = StallGuard::new(stream, edge.config.stall_timeout);
            let connection =
                builder.serve_connection_with_upgrades(TokioIo::new(stream), service.clone());
            let connection = graceful.watch(connection.into_owned());
            edge.tracker.spawn(run(connection, slot));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = told_to_stop(&edge, &shutdown) => {}
    }
    drop(listener);
    edge.closing.cancel();
    edge.tracker.close();
    let ended = async {
        tokio::join!(graceful.shutdown(), edge.tracker.wait());
    };
    if timeout(edge.config.drain, ended).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

/// Returns when nothing more is to be accepted.
async fn told_to_stop(edge: &Edge, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tracing::info!("the edge stops");
    edge.draining.cancel();
    sleep(edge.config.drain_delay).await;
}

fn builder(config: &EdgeConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(CONNECTION_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(CONNECTION_BUFFER);
    builder
}

async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // Small messages must not wait for each other.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection went away at once");
            }
            Some(stream)
        }
        Err(error) if is_about_the_peer(&error) => None,
        Err(error) => {
            tracing::warn!(%error, "cannot accept connections");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn is_about_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

async fn run<E: std::fmt::Display>(
    connection: impl Future<Output = Result<(), E>>,
    slot: OwnedSemaphorePermit,
) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(slot);
}

/// Lets pages of other origins in. Without any, browsers keep them out by themselves.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let origins = origins.iter();
        AllowOrigin::list(origins.filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(Any)
        .allow_headers([CONTENT_TYPE, REQUEST_ID])
        .expose_headers(Any);
    Some(layer)
}

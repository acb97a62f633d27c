//! The way in and out over HTTP: REST, Server-Sent Events and WebSockets.
//!
//! Responsible for checking what is asked, for appending it to the log, and for showing what the
//! log says, live and afterwards. Writes nothing but the log; the history is read, never written.
//!
//! ```text
//! run ── serve ── one task per connection
//!     ├── the languages' reports, and the workers'
//!     ├── looks at the queues, for the metrics and for whoever watches
//!     └── one feed per execution that is watched
//! ```

mod accept;
mod admission;
mod body;
mod config;
mod error;
mod exclusive;
mod files;
mod fleet;
mod history;
mod key;
mod languages;
mod letters;
mod live;
mod metrics;
mod operations;
mod query;
mod record;
mod repeat;
mod reply;
mod rerun;
mod routes;
mod server;
mod snippet;
mod socket;
mod state;
mod submit;
mod web;

use std::sync::Arc;

use prometheus::Registry;
use runlog_nats::Log;
use runlog_schemas::Catalog;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::EdgeConfig;
pub use history::{History, HistoryConfig, HistoryError};
pub use routes::openapi;
pub use runlog_nats::Clock;

/// What an edge is made of.
pub struct EdgeParts {
    /// Its settings.
    pub config: EdgeConfig,
    /// The log.
    pub log: Log,
    /// The read models; without them there is no history.
    pub history: Option<History>,
    /// The languages that are defined.
    pub catalog: Catalog,
    /// Where its metrics are registered; also what `/metrics` shows.
    pub registry: Registry,
    /// What time it is.
    pub clock: Clock,
}

/// Serves until `shutdown`, and returns when what was under way has come to an end.
///
/// # Errors
/// When the registry has the metrics of an edge already.
pub async fn run(
    parts: EdgeParts,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), prometheus::Error> {
    let edge = state::Edge::new(parts)?;
    edge.tracker
        .spawn(edge.operations.clone().follow(Arc::clone(&edge)));
    server::serve(edge, listener, shutdown).await;
    Ok(())
}

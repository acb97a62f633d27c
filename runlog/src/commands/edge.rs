//! `runlog edge`.

use std::net::SocketAddr;

use clap::Args;
use prometheus::Registry;
use runlog_edge::{Clock, EdgeConfig, EdgeParts, History, HistoryConfig};
use runlog_nats::Log;
use runlog_schemas::Catalog;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{EdgeServiceConfig, LanguagesConfig, LogConfig, NatsConfig, Speech};
use crate::failure::Failure;
use crate::services::{self, Parts, failed};
use crate::writer::Writer;

/// Service: the HTTP interface, live streams and web pages
///
/// Needs NATS, whose streams `streams apply` has made. Without a database there is no history.
/// With --json: one document with its address, once it listens.
#[derive(Args, Debug)]
pub(crate) struct EdgeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(
        long,
        env = "RUNLOG_LISTEN",
        default_value = "127.0.0.1:8740",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Address of the PostgreSQL database with the history
    #[arg(
        long,
        env = "RUNLOG_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    #[command(flatten)]
    nats: NatsConfig,
    #[command(flatten)]
    edge: EdgeServiceConfig,
    #[command(flatten)]
    languages: LanguagesConfig,
    #[command(flatten)]
    log: LogConfig,
    #[command(flatten)]
    pub(crate) speech: Speech,
}

impl EdgeArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        services::start_logging(&self.log, "info")?;
        services::raise_file_limit()?;
        let mut shutdown = services::shutdown()?;
        let catalog = services::read_catalog(self.languages.languages.as_deref())?;
        let listener = services::bind(self.listen).await?;
        let url = url_of(&listener)?;
        let log = services::connect(&self.nats.nats_url, "runlog-edge").await?;
        verify(&log, &catalog).await?;
        let edge = Edge {
            config: self.edge,
            log,
            catalog,
            database_url: self.database_url,
            registry: services::registry()?,
            missing_layers: Vec::new(),
        };
        let mut parts = Parts::default();
        edge.start(&mut parts, listener)?;
        if writer.wants_json() {
            writer.json(&serde_json::json!({ "url": url }))?;
        }
        writer.say(&format!("listening on {url}"));
        parts.run(&mut shutdown).await?;
        Ok(0)
    }
}

/// Refuses streams that are not there or not as this version needs them.
pub(super) async fn verify(log: &Log, catalog: &Catalog) -> Result<(), Failure> {
    log.verify_streams(&services::ids(catalog))
        .await
        .map_err(|error| failed("", &error))
}

/// The address at which a listener is reached.
pub(super) fn url_of(listener: &TcpListener) -> Result<String, Failure> {
    let address = listener.local_addr();
    let address = address.map_err(|error| failed("cannot tell the address", &error))?;
    Ok(format!("http://{address}"))
}

/// What an edge is put together from.
pub(super) struct Edge {
    pub(super) config: EdgeServiceConfig,
    pub(super) log: Log,
    pub(super) catalog: Catalog,
    pub(super) database_url: Option<String>,
    pub(super) registry: Registry,
    /// Layers of isolation that the worker of this process does without.
    pub(super) missing_layers: Vec<String>,
}

impl Edge {
    /// Starts it.
    pub(super) fn start(self, parts: &mut Parts, listener: TcpListener) -> Result<(), Failure> {
        let history = self.database_url.map(HistoryConfig::new);
        let history = history.map(|it| History::new(&it)).transpose();
        let edge = EdgeParts {
            config: EdgeConfig {
                queue_capacity_per_slot: self.config.queue_capacity,
                drain: self.config.drain,
                drain_delay: self.config.drain_delay,
                allowed_origins: self.config.allowed_origin,
                missing_layers: self.missing_layers,
                ..EdgeConfig::default()
            },
            log: self.log,
            history: history.map_err(|error| failed("the history", &error))?,
            catalog: self.catalog,
            registry: self.registry,
            clock: Clock::system(),
        };
        parts.start("edge", |stop: CancellationToken| async move {
            runlog_edge::run(edge, listener, stop)
                .await
                .map_err(|error| failed("", &error))
        });
        Ok(())
    }
}

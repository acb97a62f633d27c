//! `runlog worker`.

use std::sync::Arc;

use clap::Args;
use prometheus::Registry;
use runlog_nats::Log;
use runlog_schemas::Catalog;
use tokio_util::sync::CancellationToken;

use super::check;
use super::edge::verify;
use crate::config::{LanguagesConfig, LogConfig, NatsConfig, Speech, WorkerConfig};
use crate::failure::Failure;
use crate::services::{self, Parts, Sandbox, Wanted, failed};
use crate::writer::Writer;

/// Service: takes programs from the queues and runs them in sandboxes
///
/// Needs root, and NATS, whose streams `streams apply` has made.
#[derive(Args, Debug)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    nats: NatsConfig,
    #[command(flatten)]
    worker: WorkerConfig,
    #[command(flatten)]
    languages: LanguagesConfig,
    #[command(flatten)]
    log: LogConfig,
    /// Only prove every layer of isolation and tell what this machine has; with --json as one
    /// document. Exit code 1 if a worker would not serve here. Needs no NATS
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    pub(crate) speech: Speech,
}

impl WorkerArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        services::start_logging(&self.log, "info")?;
        services::raise_file_limit()?;
        let mut shutdown = services::shutdown()?;
        let catalog = services::read_catalog(self.languages.languages.as_deref())?;
        if self.check {
            let tools = self.worker.tools();
            let checked = Sandbox::check(&catalog, &self.worker.engine, &tools).await?;
            return check::tell(&checked, &self.worker.insecure_allow_missing, writer);
        }
        let log = services::connect(&self.nats.nats_url, "runlog-worker").await?;
        verify(&log, &catalog).await?;
        let worker = Worker {
            config: self.worker,
            log,
            catalog,
            registry: services::registry()?,
        };
        let mut parts = Parts::default();
        worker.start(&mut parts).await?;
        writer.say("taking programs");
        parts.run(&mut shutdown).await?;
        Ok(0)
    }
}

/// What a worker is put together from.
pub(super) struct Worker {
    pub(super) config: WorkerConfig,
    pub(super) log: Log,
    pub(super) catalog: Catalog,
    pub(super) registry: Registry,
}

impl Worker {
    /// Starts its sandbox and then the worker; gives the names of the layers of isolation that it
    /// does without.
    pub(super) async fn start(self, parts: &mut Parts) -> Result<Vec<String>, Failure> {
        let host = services::host();
        let tools = self.config.tools();
        let name = self.config.worker_name;
        let name = name.unwrap_or_else(|| format!("{host}-{}", std::process::id()));
        let mut config = runlog_worker::Config::new(name, host);
        config.slots = self.config.slots.map_or(config.slots, usize::from);
        config.grace = self.config.grace;
        let parked = self.config.parked_cells.map_or(config.slots, usize::from);
        let wanted = Wanted {
            engine: &self.config.engine,
            tools: &tools,
            parked_cells: parked,
            allow_missing: self.config.insecure_allow_missing,
        };
        let sandbox = Sandbox::start(&self.catalog, wanted, &self.registry).await?;
        let Sandbox {
            engine,
            toolchains,
            missing,
        } = sandbox;
        let names: Vec<String> = missing
            .iter()
            .map(|layer| layer.name().to_owned())
            .collect();
        config.missing_layers.clone_from(&names);
        services::count_missing(&missing, &self.registry)?;
        if !missing.is_empty() {
            parts.start("warning", |stop| services::warn_of(missing, stop));
        }
        let worker = runlog_worker::Parts {
            log: self.log,
            engine: Arc::clone(&engine),
            languages: Arc::new(self.catalog),
            toolchains,
            registry: self.registry,
        };
        parts.start("worker", |stop: CancellationToken| async move {
            let ended = runlog_worker::run(config, worker, stop).await;
            engine.close().await;
            ended.map_err(|error| failed("", &error))
        });
        Ok(names)
    }
}

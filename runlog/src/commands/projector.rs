//! `runlog projector`.

use clap::{Args, Subcommand};
use prometheus::Registry;
use runlog_nats::Log;
use runlog_projector::Progress;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::config::{DatabaseConfig, LogConfig, NatsConfig, Speech};
use crate::failure::Failure;
use crate::services::{self, Parts, failed};
use crate::writer::Writer;

/// Service: writes the history, from the log into PostgreSQL
#[derive(Args, Debug)]
pub(crate) struct ProjectorArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Follow the log until told to end; while another projector is active, stand by
    Run {
        #[command(flatten)]
        nats: NatsConfig,
        #[command(flatten)]
        database: DatabaseConfig,
        #[command(flatten)]
        log: LogConfig,
    },
    /// Make all tables again from the log, beside the ones in use, and put them in their place
    ///
    /// With --json: one document with the counts.
    Rebuild {
        #[command(flatten)]
        nats: NatsConfig,
        #[command(flatten)]
        database: DatabaseConfig,
        #[command(flatten)]
        log: LogConfig,
        #[command(flatten)]
        speech: Speech,
    },
    /// Bring the tables to this version's shape; `run` does so too
    Migrate {
        #[command(flatten)]
        database: DatabaseConfig,
    },
}

impl ProjectorArgs {
    pub(crate) const fn speech(&self) -> Speech {
        match &self.action {
            Action::Rebuild { speech, .. } => *speech,
            Action::Run { .. } | Action::Migrate { .. } => Speech {
                json: false,
                quiet: false,
            },
        }
    }

    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        match self.action {
            Action::Run {
                nats,
                database,
                log,
            } => {
                services::start_logging(&log, "info")?;
                let mut shutdown = services::shutdown()?;
                let log = services::connect(&nats.nats_url, "runlog-projector").await?;
                let mut parts = Parts::default();
                start(
                    &mut parts,
                    log,
                    &database.database_url,
                    services::registry()?,
                );
                writer.say("following the log");
                parts.run(&mut shutdown).await?;
            }
            Action::Rebuild {
                nats,
                database,
                log,
                speech: _,
            } => {
                services::start_logging(&log, "info")?;
                let log = services::connect(&nats.nats_url, "runlog-rebuild").await?;
                rebuild(log, &database.database_url, writer).await?;
            }
            Action::Migrate { database } => {
                runlog_projector::migrate(&database.database_url)
                    .await
                    .map_err(|error| failed("cannot migrate", &error))?;
                writer.say("the tables have this version's shape");
            }
        }
        Ok(0)
    }
}

/// Starts a projector.
pub(super) fn start(parts: &mut Parts, log: Log, database_url: &str, registry: Registry) {
    let config = runlog_projector::Config::new(database_url);
    parts.start("projector", |stop: CancellationToken| async move {
        runlog_projector::run(config, log, &registry, stop)
            .await
            .map_err(|error| failed("", &error))
    });
}

async fn rebuild(log: Log, database_url: &str, writer: &mut Writer) -> Result<(), Failure> {
    let config = runlog_projector::Config::new(database_url);
    let tell = |progress: Progress| {
        tracing::info!(
            folded = progress.folded,
            target = progress.target,
            "rebuilding"
        );
    };
    let done = runlog_projector::rebuild(&config, &log, tell)
        .await
        .map_err(|error| failed("cannot rebuild", &error))?;
    let Progress {
        folded,
        target: _,
        events,
        copied,
        recordings,
        incomplete,
    } = done;
    if writer.wants_json() {
        return writer.json(&json!({
            "folded": folded,
            "events": events,
            "copied": copied,
            "recordings": recordings,
            "incomplete": incomplete,
        }));
    }
    writer.line(&format!(
        "rebuilt from {events} events up to {folded}: {recordings} recordings; {copied} executions \
         kept that have left the log, {incomplete} recordings incomplete"
    ))
}

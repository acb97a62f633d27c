//! `runlog up`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use runlog_nats::Log;
use runlog_nats::streams::{Replicas, Wanted};
use runlog_schemas::Catalog;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::edge::{Edge, url_of, verify};
use super::worker::Worker;
use super::{projector, streams};
use crate::config::{EdgeServiceConfig, LanguagesConfig, LogConfig, Speech, WorkerConfig};
use crate::failure::Failure;
use crate::services::{self, DataFolder, Parts, Servers, UpFile, failed, keep};
use crate::time;
use crate::writer::Writer;

/// How long the toolchains may take to be looked at before the address is told all the same.
const SURVEY: Duration = Duration::from_secs(30);

/// Start everything in this terminal: NATS, PostgreSQL, edge, worker and projector
///
/// Data stay in the data folder; Ctrl+C drains and ends, and the next `up` goes on with them. Needs
/// root, for the sandbox. With --json: one document with its address, once programs can be run.
#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    /// Port for the browser and the API; 0 takes a free one
    #[arg(long, env = "RUNLOG_PORT", default_value_t = 8740)]
    port: u16,
    /// Address to listen on; who reaches it can run programs
    #[arg(
        long,
        env = "RUNLOG_HOST",
        default_value = "127.0.0.1",
        value_name = "ADDRESS"
    )]
    host: IpAddr,
    /// Folder for the data
    #[arg(
        long,
        env = "RUNLOG_DATA",
        default_value = ".runlog/data",
        value_name = "DIR"
    )]
    data: PathBuf,
    #[command(flatten)]
    worker: WorkerConfig,
    #[command(flatten)]
    edge: EdgeServiceConfig,
    #[command(flatten)]
    languages: LanguagesConfig,
    #[command(flatten)]
    log: LogConfig,
    #[command(flatten)]
    pub(crate) speech: Speech,
}

impl UpArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        services::start_logging(&self.log, "warn")?;
        services::raise_file_limit()?;
        let mut shutdown = services::shutdown()?;
        let catalog = services::read_catalog(self.languages.languages.as_deref())?;
        let folder = DataFolder::open(&self.data)?;
        let listener = services::bind(SocketAddr::new(self.host, self.port)).await?;
        let url = url_of(&listener)?;
        writer.say(&format!("starting; data in {}", folder.path().display()));
        let mut parts = Parts::default();
        let started = tokio::select! {
            started = self.start(&mut parts, &folder, catalog, listener) => started,
            () = shutdown.asked() => Err(Failure::Left("ended while it was starting".to_owned())),
        };
        let told = started.and_then(|up| {
            folder.tell(&up)?;
            tell(&url, writer)
        });
        match told {
            Ok(()) => parts.run(&mut shutdown).await?,
            Err(failure) => parts.end(&mut shutdown, Err(failure)).await?,
        }
        writer.say("ended; the data stay");
        Ok(0)
    }
}
impl UpArgs {
    /// Starts one part after the other, each when what it needs is there.
    async fn start(
        self,
        parts: &mut Parts,
        folder: &DataFolder,
        catalog: Catalog,
        listener: TcpListener,
    ) -> Result<UpFile, Failure> {
        let began_ms = time::now_ms();
        let wanted = wanted(folder, &services::ids(&catalog))?;
        let up = serve_data(parts, folder, url_of(&listener)?).await?;
        let log = services::connect(&up.nats_url, "runlog-up").await?;
        streams::change(&log, &wanted, false).await?;
        verify(&log, &catalog).await?;
        runlog_projector::migrate(&up.database_url)
            .await
            .map_err(|error| failed("cannot make the tables of the history", &error))?;
        let registry = services::registry()?;
        projector::start(parts, log.clone(), &up.database_url, registry.clone());
        let worker = Worker {
            config: self.worker,
            log: log.clone(),
            catalog: catalog.clone(),
            registry: registry.clone(),
        };
        let missing_layers = worker.start(parts).await?;
        let languages = services::ids(&catalog);
        let edge = Edge {
            config: self.edge,
            log: log.clone(),
            catalog,
            database_url: Some(up.database_url.clone()),
            registry,
            missing_layers,
        };
        edge.start(parts, listener)?;
        if timeout(SURVEY, surveyed(&log, &languages, began_ms))
            .await
            .is_err()
        {
            tracing::warn!("some toolchains have not been looked at yet");
        }
        Ok(up)
    }
}

/// The streams, with bounds that the disk has room for.
fn wanted(folder: &DataFolder, languages: &[String]) -> Result<Wanted, Failure> {
    let usual = Wanted::of(languages, Replicas::One);
    let (needed, room) = (usual.bytes(), folder.room()?);
    match room {
        Some(room) if room < needed => {
            tracing::info!(
                megabytes = room >> 20,
                usual = needed >> 20,
                "the disk is small, so the log holds less"
            );
            Ok(usual.within(room))
        }
        Some(_) | None => Ok(usual),
    }
}

/// Starts the servers that hold the data, and keeps them alive.
async fn serve_data(
    parts: &mut Parts,
    folder: &DataFolder,
    url: String,
) -> Result<UpFile, Failure> {
    let Servers { nats, postgres } = Servers::start(folder.path()).await?;
    let up = UpFile {
        url,
        pid: std::process::id(),
        nats_url: nats.url(),
        database_url: postgres.connection_string(),
    };
    parts.start("nats-server", |stop: CancellationToken| keep(nats, stop));
    parts.start("PostgreSQL", |stop: CancellationToken| keep(postgres, stop));
    Ok(up)
}

/// Waits until our worker has told of every language whether it can be run.
async fn surveyed(log: &Log, languages: &[String], began_ms: u64) {
    let Ok(mut reports) = log.watch_language_reports().await else {
        return;
    };
    while let Some(reports) = reports.next().await {
        let Ok(reports) = reports else { continue };
        let told = |id: &String| {
            reports
                .iter()
                .any(|it| it.id == *id && it.at_ms >= began_ms)
        };
        if languages.iter().all(told) {
            return;
        }
    }
}

fn tell(url: &str, writer: &mut Writer) -> Result<(), Failure> {
    if writer.wants_json() {
        return writer.json(&serde_json::json!({ "url": url, "pid": std::process::id() }));
    }
    writer.line(&format!("Runlog is at {url}"))?;
    writer.line("")?;
    writer.line("A first program:")?;
    writer.line(&format!(
        "  curl -s '{url}/v1/executions?wait=10s' -H 'content-type: application/json' \\\n    \
         -d '{{\"language\":\"python\",\"source\":\"print(6 * 7)\"}}'"
    ))
}

//! Servers of their own, and the programs that read what stands on them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use runlog_local::{Durability, Nats, NatsConfig, Postgres, PostgresConfig, Tools};
use runlog_nats::{Log, LogConfig};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};

use crate::processes;
use crate::report::say;

/// How often a program that runs is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The servers, with their data in a temporary folder.
pub(crate) struct Stage {
    pub(crate) nats: Nats,
    pub(crate) postgres: Option<Postgres>,
    program: PathBuf,
    /// Dropped last.
    folder: TempDir,
}

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) time: Duration,
    pub(crate) cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub(crate) peak_bytes: u64,
}

impl Stage {
    /// A nats-server that does not sync: what is written here has only to be read.
    pub(crate) async fn start(program: PathBuf) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("runlog-log-").context("cannot make a folder")?;
        say(&format!("starting servers in {}", folder.path().display()));
        let nats = Nats::start_disposable(nats_config(folder.path())).await?;
        let stage = Self {
            nats,
            postgres: None,
            program,
            folder,
        };
        std::fs::create_dir(stage.languages())?;
        let language = include_str!("../../../languages/python.toml");
        std::fs::write(stage.languages().join("python.toml"), language)?;
        stage.run(&["streams", "apply"]).await?;
        Ok(stage)
    }

    /// Adds a PostgreSQL that syncs, with empty tables.
    pub(crate) async fn start_postgres(&mut self) -> anyhow::Result<()> {
        let postgres = Postgres::start(PostgresConfig {
            tools: Tools::default(),
            data_dir: self.folder.path().join("postgres"),
            port: None,
            durability: Durability::Durable,
        })
        .await?;
        self.postgres = Some(postgres);
        self.run(&["projector", "migrate"]).await
    }

    /// A client of the log.
    pub(crate) async fn log(&self) -> anyhow::Result<Log> {
        let config = LogConfig::new(self.nats.url(), "loadtest");
        Log::connect(&config).await.context("cannot reach the log")
    }

    /// A client of the tables.
    pub(crate) async fn sql(&self) -> anyhow::Result<Client> {
        let address = self.postgres()?.connection_string();
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the connection ends with its client"
        )]
        tokio::spawn(connection);
        client.batch_execute("SET search_path TO runlog").await?;
        Ok(client)
    }

    /// CPU time that PostgreSQL has taken so far.
    pub(crate) fn postgres_cpu(&self) -> anyhow::Result<Duration> {
        let pid = self.postgres()?.pid().context("PostgreSQL has ended")?;
        Ok(processes::tree_cpu(pid))
    }

    /// CPU time that the nats-server has taken so far.
    pub(crate) fn nats_cpu(&self) -> anyhow::Result<Duration> {
        let pid = self.nats.pid().context("the nats-server has ended")?;
        Ok(processes::tree_cpu(pid))
    }

    /// Runs a command of the program to its end, which must be a good one.
    pub(crate) async fn run(&self, args: &[&str]) -> anyhow::Result<()> {
        self.measure(args).await.map(|_| ())
    }

    /// The same, and watches what it takes.
    pub(crate) async fn measure(&self, args: &[&str]) -> anyhow::Result<Taken> {
        let began = Instant::now();
        let mut process = self.command(args).stdout(Stdio::null()).spawn()?;
        let pid = process.id().context("it has ended")?;
        let mut taken = Taken {
            time: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_bytes: 0,
        };
        let status = loop {
            // Read before it is asked whether it has ended: afterwards there is nothing to read.
            taken.cpu = taken.cpu.max(processes::cpu(pid).unwrap_or_default());
            taken.peak_bytes = taken.peak_bytes.max(processes::peak(pid).unwrap_or(0));
            if let Some(status) = process.try_wait()? {
                break status;
            }
            sleep(LOOK).await;
        };
        taken.time = began.elapsed();
        ensure!(status.success(), "runlog {args:?} ended with {status}");
        Ok(taken)
    }

    /// A command of the program on these servers.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env("RUNLOG_NATS_URL", self.nats.url())
            .env("RUNLOG_LANGUAGES", self.languages())
            .env("RUNLOG_LOG", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(postgres) = &self.postgres {
            command.env("RUNLOG_DATABASE_URL", postgres.connection_string());
        }
        command
    }

    fn postgres(&self) -> anyhow::Result<&Postgres> {
        self.postgres.as_ref().context("there is no PostgreSQL")
    }

    fn languages(&self) -> PathBuf {
        self.folder.path().join("languages")
    }
}

fn nats_config(folder: &Path) -> NatsConfig {
    NatsConfig {
        tools: Tools::default(),
        data_dir: folder.join("nats"),
        port: None,
    }
}

//! Everything that is broken: servers, the wires to them, and the services, each a process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use runlog_client::Client;
use runlog_local::{Durability, Nats, NatsCluster, NatsConfig, Postgres, PostgresConfig, Tools};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::disk::Disk;
use super::proxy::Proxy;
use super::service::{Recipe, Service};
use crate::report::say;

/// Of the language that the programs are in.
const LANGUAGE: &str = include_str!("../../../languages/bash.toml");

/// The processes of one kind.
pub(crate) type Fleet = Vec<Mutex<Service>>;

/// Everything.
pub(crate) struct Stage {
    pub(crate) nats: Vec<Mutex<Nats>>,
    pub(crate) postgres: Mutex<Postgres>,
    /// In the order of the servers; none where they have no disks of their own.
    pub(crate) nats_disks: Vec<Disk>,
    pub(crate) postgres_disk: Option<Disk>,
    pub(crate) nats_wire: Proxy,
    pub(crate) postgres_wire: Proxy,
    pub(crate) edges: Fleet,
    pub(crate) workers: Fleet,
    pub(crate) projectors: Fleet,
    pub(crate) clients: Vec<Client>,
    program: PathBuf,
    nats_url: String,
    database_url: String,
    folder: TempDir,
}

impl Stage {
    /// Starts everything, on one nats-server or on three.
    pub(crate) async fn start(program: PathBuf, cluster: bool) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("runlog-chaos-").context("cannot make a folder")?;
        say(&format!(
            "starting everything in {}",
            folder.path().display()
        ));
        std::fs::create_dir(folder.path().join("languages"))?;
        std::fs::write(folder.path().join("languages/bash.toml"), LANGUAGE)?;
        let mut nats_disks = Vec::new();
        let mut postgres_disk = None;
        if rustix::process::geteuid().is_root() {
            let names: &[&str] = if cluster {
                &["cluster-1", "cluster-2", "cluster-3"]
            } else {
                &["nats"]
            };
            for name in names {
                nats_disks.push(Disk::mount(&folder.path().join(name))?);
            }
            postgres_disk = Some(Disk::mount(&folder.path().join("postgres"))?);
        }
        let nats = start_nats(folder.path(), cluster).await?;
        let postgres = Postgres::start(PostgresConfig {
            tools: Tools::default(),
            data_dir: folder.path().join("postgres"),
            port: None,
            durability: Durability::Durable,
        })
        .await?;
        let nats_wire = Proxy::start(nats[0].port()).await?;
        let postgres_wire = Proxy::start(postgres.port()).await?;
        // Of a cluster, a client learns of the other servers from the first.
        let nats_url = nats.iter().map(Nats::url).collect::<Vec<_>>().join(",");
        let database_url = postgres.connection_string();
        let mut stage = Self {
            nats: nats.into_iter().map(Mutex::new).collect(),
            postgres: Mutex::new(postgres),
            nats_disks,
            postgres_disk,
            nats_wire,
            postgres_wire,
            edges: Vec::new(),
            workers: Vec::new(),
            projectors: Vec::new(),
            clients: Vec::new(),
            program,
            nats_url,
            database_url,
            folder,
        };
        stage.prepare(cluster).await?;
        stage.start_services().await?;
        Ok(stage)
    }

    /// Makes streams and tables.
    async fn prepare(&self, cluster: bool) -> anyhow::Result<()> {
        let replicas = if cluster { "3" } else { "1" };
        // A cluster elects its leaders first.
        for attempt in 1.. {
            let applied = self
                .run(&["streams", "apply", "--replicas", replicas])
                .await;
            match applied {
                Ok(_) => break,
                Err(error) if attempt == 60 => return Err(error),
                Err(_) => sleep(Duration::from_millis(500)).await,
            }
        }
        self.run(&["projector", "migrate"]).await.map(|_| ())
    }

    async fn start_services(&mut self) -> anyhow::Result<()> {
        for number in 1..=2 {
            let port = free_port()?;
            let listen = format!("127.0.0.1:{port}");
            let edge = self.service("edge", number, &["edge", "--listen", &listen])?;
            self.edges.push(Mutex::new(edge));
            self.clients
                .push(Client::new(format!("http://{listen}").parse()?));
            let worker = self.service("worker", number, &["worker", "--slots", "3"])?;
            self.workers.push(Mutex::new(worker));
            let projector = self.service("projector", number, &["projector", "run"])?;
            self.projectors.push(Mutex::new(projector));
        }
        Ok(())
    }

    /// A service whose every word to the servers goes over the wires.
    fn service(&self, kind: &str, number: u32, args: &[&str]) -> anyhow::Result<Service> {
        let name = format!("{kind}-{number}");
        let nats_url = self.over_wire(&self.nats_url, &self.nats_wire);
        let database_url = self.over_wire(&self.database_url, &self.postgres_wire);
        Service::start(Recipe {
            program: self.program.clone(),
            args: args.iter().map(|it| (*it).to_owned()).collect(),
            env: vec![
                ("RUNLOG_NATS_URL", nats_url),
                ("RUNLOG_DATABASE_URL", database_url),
                ("RUNLOG_LANGUAGES", self.languages()),
                ("RUNLOG_DRAIN", "5s".to_owned()),
                ("RUNLOG_GRACE", "5s".to_owned()),
            ],
            log: self.folder.path().join(format!("{name}.log")),
            name,
        })
    }

    /// An address with the wire's port instead of the first server's.
    fn over_wire(&self, url: &str, wire: &Proxy) -> String {
        let first = url.split(',').next().unwrap_or(url);
        let rest = url.strip_prefix(first).unwrap_or_default();
        let port = first
            .rsplit(':')
            .next()
            .map(|it| it.split('/').next().unwrap_or(it))
            .unwrap_or_default();
        let wired = first.replacen(&format!(":{port}"), &format!(":{}", wire.port()), 1);
        format!("{wired}{rest}")
    }

    fn languages(&self) -> String {
        self.folder.path().join("languages").display().to_string()
    }

    /// Runs a command of the program on the servers themselves; its standard output.
    pub(crate) async fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.program)
            .args(args)
            .env("RUNLOG_NATS_URL", &self.nats_url)
            .env("RUNLOG_DATABASE_URL", &self.database_url)
            .env("RUNLOG_LANGUAGES", self.languages())
            .output()
            .await
            .context("cannot start runlog")?;
        let words = String::from_utf8_lossy(&output.stderr);
        // What `verify` finds is an answer too.
        let is_answer = output.status.success() || args[0] == "verify" && !output.stdout.is_empty();
        ensure!(is_answer, "runlog {args:?}: {words}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Every service.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Mutex<Service>> {
        self.edges
            .iter()
            .chain(&self.workers)
            .chain(&self.projectors)
    }

    /// Starts again what has ended by itself. How many that were.
    pub(crate) async fn revive(&self) -> anyhow::Result<u64> {
        let mut revived = 0;
        for service in self.services() {
            // One that is being broken now is not ours to mend.
            if let Ok(mut service) = service.try_lock() {
                revived += u64::from(service.revive()?);
            }
        }
        sleep(Duration::from_millis(100)).await;
        Ok(revived)
    }

    /// Keeps what the services wrote, for whoever looks into a failure.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// The folder with all data.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

async fn start_nats(folder: &Path, cluster: bool) -> anyhow::Result<Vec<Nats>> {
    if cluster {
        let NatsCluster { nodes } = NatsCluster::start(&Tools::default(), folder).await?;
        return Ok(nodes.into());
    }
    let config = NatsConfig {
        tools: Tools::default(),
        data_dir: folder.join("nats"),
        port: None,
    };
    Ok(vec![Nats::start(config).await?])
}

/// A port that is free now; the edge takes it again after each of its deaths.
fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}

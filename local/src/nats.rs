//! One nats-server with JetStream on a file store.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::files::{self, Log};
use crate::process::{Launch, Process, duplicate};
use crate::{Durability, Error, Tools, port};

const SERVER: &str = "nats-server";

/// How long the server may take to read back its store.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// How long a clean stop may take before the server is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// The configuration files that production uses too, by name.
const CONFIGURATION: [(&str, &str); 5] = [
    ("common.conf", include_str!("../../nats/server/common.conf")),
    ("single.conf", include_str!("../../nats/server/single.conf")),
    (
        "cluster-1.conf",
        include_str!("../../nats/server/cluster-1.conf"),
    ),
    (
        "cluster-2.conf",
        include_str!("../../nats/server/cluster-2.conf"),
    ),
    (
        "cluster-3.conf",
        include_str!("../../nats/server/cluster-3.conf"),
    ),
];

/// What makes every append wait for the disk, and what does not.
const SYNC_EACH: &str = "sync_interval: always";
const SYNC_SOMETIMES: &str = "sync_interval: 120s";

/// What a nats-server is started with.
#[derive(Clone, Debug)]
pub struct NatsConfig {
    /// Where the binary is looked for.
    pub tools: Tools,
    /// Holds the store, the configuration and the log; made if missing.
    pub data_dir: PathBuf,
    /// Client port on 127.0.0.1; `None` chooses a free one.
    pub port: Option<u16>,
}

/// Which configuration file a server runs with, and what overrides it.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) configuration: &'static str,
    pub(crate) overrides: Vec<String>,
    pub(crate) durability: Durability,
}

/// A running nats-server. Dropping it kills the server; the data stay.
pub struct Nats {
    program: PathBuf,
    data_dir: PathBuf,
    port: u16,
    role: Role,
    lock: File,
    process: Option<Process>,
}

impl Nats {
    /// Starts a single node and waits until it accepts clients.
    pub async fn start(config: NatsConfig) -> Result<Self, Error> {
        Self::start_single(config, Durability::Durable).await
    }

    /// The same, but what is acknowledged may be lost with the machine: for data that can be made
    /// again, which is then written several times as fast.
    pub async fn start_disposable(config: NatsConfig) -> Result<Self, Error> {
        Self::start_single(config, Durability::Disposable).await
    }

    async fn start_single(config: NatsConfig, durability: Durability) -> Result<Self, Error> {
        Self::start_as(
            config,
            Role {
                configuration: "single.conf",
                overrides: Vec::new(),
                durability,
            },
        )
        .await
    }

    pub(crate) async fn start_as(config: NatsConfig, role: Role) -> Result<Self, Error> {
        let program = config.tools.nats_server()?;
        files::make_private(&config.data_dir)?;
        let lock = files::lock(&config.data_dir).await?;
        for (name, text) in CONFIGURATION {
            let path = config.data_dir.join(name);
            let text = match role.durability {
                Durability::Durable => text.to_owned(),
                Durability::Disposable => text.replace(SYNC_EACH, SYNC_SOMETIMES),
            };
            fs::write(&path, text).map_err(Error::io("write", &path))?;
        }
        let mut server = Self {
            program,
            data_dir: config.data_dir,
            port: 0,
            role,
            lock,
            process: None,
        };
        let (port, process) =
            port::start_on(config.port, async |port| server.attempt(port).await).await?;
        server.port = port;
        server.process = Some(process);
        Ok(server)
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("nats://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The client port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with store, configuration and log.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The server's process id, or `None` after `stop` or `kill`.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Ends the server cleanly. Without effect if it is not running.
    pub async fn stop(&mut self) -> Result<(), Error> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process
            .stop(Signal::SIGTERM, STOP_PATIENCE)
            .await
            .map_err(self.cannot("stop"))?;
        Ok(())
    }

    /// Ends the server with `SIGKILL`, as a crash would.
    pub async fn kill(&mut self) -> Result<(), Error> {
        let mut process = self
            .process
            .take()
            .ok_or(Error::NotRunning { server: SERVER })?;
        process.kill().await.map_err(self.cannot("kill"))?;
        Ok(())
    }

    /// Starts the server again on the same data and port, after ending it
    /// cleanly if it still runs.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await?;
        self.process = Some(self.attempt(self.port).await?);
        Ok(())
    }

    /// Freezes the server with `SIGSTOP`: connections stay, nothing answers.
    pub fn pause(&self) -> Result<(), Error> {
        self.running()?.send_to_all(Signal::SIGSTOP);
        Ok(())
    }

    /// Lets a frozen server go on.
    pub fn resume(&self) -> Result<(), Error> {
        self.running()?.send_to_all(Signal::SIGCONT);
        Ok(())
    }

    /// Waits until the server ends by itself, and says how it did.
    pub async fn ended(&mut self) -> Result<String, Error> {
        let cannot = self.cannot("wait for");
        let process = self
            .process
            .as_mut()
            .ok_or(Error::NotRunning { server: SERVER })?;
        let status = process.wait().await.map_err(cannot)?;
        self.process = None;
        Ok(status.to_string())
    }

    fn running(&self) -> Result<&Process, Error> {
        self.process
            .as_ref()
            .ok_or(Error::NotRunning { server: SERVER })
    }

    fn cannot(&self, action: &'static str) -> impl FnOnce(std::io::Error) -> Error + use<> {
        Error::io(action, &self.program)
    }

    async fn attempt(&self, port: u16) -> Result<Process, Error> {
        self.remove_ports_files()?;
        let log = Log::open(&self.data_dir)?;
        let launch = self.launch(port)?;
        let mut process = Process::start(launch, log.file())
            .await
            .map_err(self.cannot("start"))?;
        self.wait_until_ready(&mut process, port, &log).await?;
        tracing::debug!(port, pid = process.pid(), "nats-server is ready");
        Ok(process)
    }

    fn launch(&self, port: u16) -> Result<Launch, Error> {
        let mut arguments = vec!["-c".to_owned(), self.role.configuration.to_owned()];
        arguments.extend([
            "-a".to_owned(),
            Ipv4Addr::LOCALHOST.to_string(),
            "-p".to_owned(),
            port.to_string(),
        ]);
        arguments.extend(["--ports_file_dir".to_owned(), ".".to_owned()]);
        arguments.extend(self.role.overrides.iter().cloned());
        Ok(Launch {
            program: self.program.clone(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            // Relative to the data folder, so that no path has to be quoted.
            environment: vec![("RUNLOG_NATS_STORE", "\".\"".to_owned())],
            directory: self.data_dir.clone(),
            user: None,
            inherit: vec![
                duplicate(&self.lock)
                    .map_err(Error::io("duplicate the lock of", &self.data_dir))?,
            ],
            output: std::process::Stdio::null(),
            death_signal: Signal::SIGKILL,
        })
    }

    /// The server writes a file with its pid in the name once it listens;
    /// unlike a connection to the port, that cannot be somebody else.
    async fn wait_until_ready(
        &self,
        process: &mut Process,
        port: u16,
        log: &Log,
    ) -> Result<(), Error> {
        let begin = Instant::now();
        let suffix = format!("_{}.ports", process.pid());
        loop {
            if let Some(status) = process.ended().map_err(self.cannot("wait for"))? {
                return Err(if log.tells_of_a_taken_port() {
                    Error::PortTaken {
                        server: SERVER,
                        port,
                    }
                } else {
                    Error::Ended {
                        server: SERVER,
                        status: status.to_string(),
                        log: log.tail(),
                    }
                });
            }
            if self
                .ports_files()?
                .iter()
                .any(|path| path.to_string_lossy().ends_with(&suffix))
            {
                return Ok(());
            }
            if begin.elapsed() > START_PATIENCE {
                return Err(Error::NotReady {
                    server: SERVER,
                    seconds: START_PATIENCE.as_secs(),
                    log: log.tail(),
                });
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// A server that was killed leaves its file, and pids are used again.
    fn remove_ports_files(&self) -> Result<(), Error> {
        self.ports_files()?
            .iter()
            .try_for_each(|path| fs::remove_file(path).map_err(Error::io("remove", path)))
    }

    fn ports_files(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = fs::read_dir(&self.data_dir).map_err(Error::io("list", &self.data_dir))?;
        Ok(entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|it| it == "ports"))
            .collect())
    }
}

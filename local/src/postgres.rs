//! One PostgreSQL server, made, started and stopped without any help of the
//! system's service manager.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::User;
use tokio::time::sleep;

use crate::files::{self, Log};
use crate::process::{Launch, Process, duplicate, inherited_path};
use crate::{Error, Tools, port};

mod cluster_dir;

pub(crate) use cluster_dir::ClusterDir;

const SERVER: &str = "PostgreSQL";

/// The role that owns everything, and the database.
const NAME: &str = "runlog";

/// How long crash recovery may take.
const START_PATIENCE: Duration = Duration::from_secs(300);

/// How long a clean stop may take before the server is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// Whether what is committed has to survive a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// Yes: `fsync` is on.
    #[default]
    Durable,
    /// No, the data are thrown away after a test. They still survive a
    /// `kill` of the server.
    Disposable,
}

/// What a PostgreSQL server is started with.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// Where the binaries are looked for.
    pub tools: Tools,
    /// Holds the database cluster, the password and the log; made if missing.
    pub data_dir: PathBuf,
    /// Port on 127.0.0.1; `None` chooses a free one.
    pub port: Option<u16>,
    /// Whether commits are synced to disk.
    pub durability: Durability,
}

/// A running PostgreSQL server with an own role and database. Dropping it
/// kills the server; the data stay.
pub struct Postgres {
    bin: PathBuf,
    user: Option<User>,
    data_dir: PathBuf,
    port: u16,
    password: String,
    durability: Durability,
    lock: File,
    process: Option<Process>,
}

impl Postgres {
    /// Makes the database cluster if there is none, starts the server and
    /// waits until it accepts connections.
    pub async fn start(config: PostgresConfig) -> Result<Self, Error> {
        let dir = ClusterDir::open(&config.tools, &config.data_dir)?;
        let lock = files::lock(&config.data_dir).await?;
        dir.create_if_missing(config.durability).await?;
        Self::start_in(dir, lock, &config).await
    }

    pub(crate) async fn start_in(
        dir: ClusterDir,
        lock: File,
        config: &PostgresConfig,
    ) -> Result<Self, Error> {
        let password = dir.password()?;
        let mut server = Self {
            bin: dir.bin,
            user: dir.user,
            data_dir: dir.data_dir,
            port: 0,
            password,
            durability: config.durability,
            lock,
            process: None,
        };
        let (port, process) =
            port::start_on(config.port, async |port| server.attempt(port).await).await?;
        server.port = port;
        server.process = Some(process);
        Ok(server)
    }

    /// Where clients connect, password included.
    pub fn connection_string(&self) -> String {
        format!(
            "postgres://{NAME}:{}@{}:{}/{NAME}",
            self.password,
            Ipv4Addr::LOCALHOST,
            self.port
        )
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with the cluster, the password and the log.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process id of the postmaster, or `None` after `stop` or `kill`.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Ends the server cleanly, its clients are disconnected. Without effect
    /// if it is not running.
    pub async fn stop(&mut self) -> Result<(), Error> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.send_to_all(Signal::SIGCONT);
        process
            .stop(Signal::SIGINT, STOP_PATIENCE)
            .await
            .map_err(self.cannot("stop"))?;
        Ok(())
    }

    /// Ends the server and all its backends with `SIGKILL`, as a crash would.
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

    /// Freezes the server and its backends with `SIGSTOP`: connections stay,
    /// nothing answers.
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
        Error::io(action, &self.bin.join("postgres"))
    }

    async fn attempt(&self, port: u16) -> Result<Process, Error> {
        let log = Log::open(&self.data_dir)?;
        let cluster = cluster_dir::cluster_path(&self.data_dir);
        let directory = File::open(&cluster).map_err(Error::io("open", &cluster))?;
        let launch = self.launch(port, directory.into())?;
        let mut process = Process::start(launch, log.file())
            .await
            .map_err(self.cannot("start"))?;
        self.wait_until_ready(&mut process, port, &log).await?;
        tracing::debug!(port, pid = process.pid(), "PostgreSQL is ready");
        Ok(process)
    }

    fn launch(&self, port: u16, cluster: OwnedFd) -> Result<Launch, Error> {
        let mut settings = vec![
            format!("listen_addresses={}", Ipv4Addr::LOCALHOST),
            format!("port={port}"),
            // A socket's path may have 107 bytes at most, ours may be deeper.
            "unix_socket_directories=".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        if self.durability == Durability::Disposable {
            let off = [
                "fsync=off",
                "full_page_writes=off",
                "shared_buffers=16MB",
                "autovacuum=off",
            ];
            settings.extend(off.map(str::to_owned));
        }
        let mut arguments = vec!["-D".into(), inherited_path(&cluster).into_os_string()];
        arguments.extend(
            settings
                .into_iter()
                .flat_map(|setting| ["-c".into(), setting.into()]),
        );
        let lock =
            duplicate(&self.lock).map_err(Error::io("duplicate the lock of", &self.data_dir))?;
        Ok(Launch {
            program: self.bin.join("postgres"),
            arguments,
            environment: Vec::new(),
            directory: "/".into(),
            user: self.user.clone(),
            inherit: vec![cluster, lock],
            output: Stdio::null(),
            // An immediate shutdown, which takes the backends along.
            death_signal: Signal::SIGQUIT,
        })
    }

    async fn wait_until_ready(
        &self,
        process: &mut Process,
        port: u16,
        log: &Log,
    ) -> Result<(), Error> {
        let begin = Instant::now();
        let pid_file = cluster_dir::cluster_path(&self.data_dir).join("postmaster.pid");
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
            if says_ready(
                &fs::read_to_string(&pid_file).unwrap_or_default(),
                process.pid(),
            ) {
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
}

/// The first line of `postmaster.pid` is the pid, the eighth the state.
fn says_ready(pid_file: &str, pid: u32) -> bool {
    let mut lines = pid_file.lines();
    lines.next() == Some(pid.to_string().as_str())
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_read_from_the_pid_file() {
        let file = "16867\n/proc/self/fd/9\n1795239471\n25432\n\n127.0.0.1\n 10010707         4\nready   \n";
        assert!(says_ready(file, 16867));
        assert!(!says_ready(file, 16868), "a file that another start left");
        assert!(!says_ready(&file.replace("ready   ", "starting"), 16867));
        assert!(!says_ready("", 16867));
    }
}

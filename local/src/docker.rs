//! One Docker daemon on a socket of its own, for tests and benches.
//!
//! It touches nothing of the machine's: no bridge, no packet filter, its network, data, sockets and
//! control groups are its own. It does not outlive this value, and neither do its containers.

mod leftovers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::sleep;

use crate::files::Log;
use crate::process::{Launch, Process};
use crate::{Error, Tools};

const SERVER: &str = "dockerd";

/// How long the daemon may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long a clean stop, with the containers in it, may take.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Tells the daemons of this process apart.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running Docker daemon. Dropping it kills the daemon and everything in it.
pub struct Docker {
    programs: PathBuf,
    folder: tempfile::TempDir,
    cgroup_parent: String,
    process: Option<Process>,
}

impl Docker {
    /// Starts a daemon with its data in a temporary folder and waits until it answers. It knows
    /// the runtime `runsc` if that is there.
    ///
    /// # Errors
    /// The daemon is not installed, or cannot run on this machine: needs root.
    pub async fn start(tools: &Tools) -> Result<Self, Error> {
        let programs = tools.docker()?;
        let folder = tempfile::Builder::new().prefix("runlog-docker-").tempdir();
        let folder = folder.map_err(Error::io("create", Path::new("a temporary folder")))?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let mut daemon = Self {
            programs,
            folder,
            cgroup_parent: format!("/runlog-docker-{}-{number}", std::process::id()),
            process: None,
        };
        daemon.configure()?;
        daemon.restart().await?;
        Ok(daemon)
    }

    /// Where clients connect.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// Whether the daemon knows gVisor.
    pub fn has_runsc(&self) -> bool {
        self.programs.join("runsc").exists()
    }

    /// The `docker` command, told to talk to this daemon.
    pub fn client(&self) -> Command {
        let mut command = Command::new(self.programs.join("docker"));
        command
            .env("DOCKER_CONFIG", self.folder.path())
            .arg("--host")
            .arg(format!("unix://{}", self.socket().display()))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Makes an image of a root file system in a tar archive.
    ///
    /// # Errors
    /// The daemon refuses it.
    pub async fn import(&self, archive: &Path, name: &str) -> Result<(), Error> {
        let output = self.client().arg("import").arg(archive).arg(name).output();
        let output = output.await.map_err(Error::io("run", &self.programs))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Helper {
            program: "docker import".to_owned(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Ends the daemon with `SIGKILL`, as a crash would; its containers live on for now.
    pub async fn kill(&mut self) -> Result<(), Error> {
        let mut process = self.process.take();
        let process = process
            .as_mut()
            .ok_or(Error::NotRunning { server: SERVER })?;
        process
            .kill()
            .await
            .map_err(Error::io("kill", &self.programs))?;
        Ok(())
    }

    /// Ends the daemon and all its containers, and removes its data.
    pub async fn stop(mut self) -> Result<(), Error> {
        if let Some(mut process) = self.process.take() {
            let stopped = process.stop(Signal::SIGTERM, STOP_PATIENCE).await;
            stopped.map_err(Error::io("stop", &self.programs))?;
        }
        // What is left goes with this value.
        Ok(())
    }

    /// Starts the daemon again on the same data, after a crash.
    pub async fn restart(&mut self) -> Result<(), Error> {
        let log = Log::open(self.folder.path())?;
        // One that was killed leaves these, and the next would take what they name for alive.
        for stale in ["pid", "exec/containerd/containerd.pid"] {
            let _ = fs::remove_file(self.folder.path().join(stale));
        }
        let started = Process::start(self.launch(), log.file()).await;
        let mut process = started.map_err(Error::io("start", &self.programs))?;
        let began = Instant::now();
        while !answers(&self.socket()).await {
            let ended = process
                .ended()
                .map_err(Error::io("wait for", &self.programs))?;
            if let Some(status) = ended {
                return Err(Error::Ended {
                    server: SERVER,
                    status: status.to_string(),
                    log: log.tail(),
                });
            }
            if began.elapsed() > START_PATIENCE {
                return Err(Error::NotReady {
                    server: SERVER,
                    seconds: START_PATIENCE.as_secs(),
                    log: log.tail(),
                });
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
        Ok(())
    }

    fn configure(&self) -> Result<(), Error> {
        let runtimes = if self.has_runsc() {
            let path = self.programs.join("runsc");
            // Older ones cannot do without a network that they are given.
            format!(
                "\"runsc\": {{\"path\": \"{}\", \"runtimeArgs\": [\"--network=none\"]}}",
                path.display()
            )
        } else {
            String::new()
        };
        let path = self.folder.path().join("daemon.json");
        let text = format!("{{\"runtimes\": {{{runtimes}}}}}\n");
        fs::write(&path, text).map_err(Error::io("write", &path))
    }

    fn launch(&self) -> Launch {
        let folder = self.folder.path();
        // A daemon that shall have no bridge removes the machine's `docker0`, so it does not see it.
        let server = self.programs.join(SERVER).display().to_string();
        let mut arguments = vec!["--net".to_owned(), "--".to_owned(), server];
        for (name, value) in [
            ("config-file", folder.join("daemon.json")),
            ("data-root", folder.join("data")),
            ("exec-root", folder.join("exec")),
            ("pidfile", folder.join("pid")),
        ] {
            arguments.push(format!("--{name}={}", value.display()));
        }
        arguments.push(format!("--host=unix://{}", self.socket().display()));
        arguments.push(format!("--cgroup-parent={}", self.cgroup_parent));
        let off = [
            "iptables=false",
            "ip6tables=false",
            "ip-masq=false",
            "ip-forward=false",
        ];
        arguments.extend(off.iter().map(|off| format!("--{off}")));
        arguments.push("--bridge=none".to_owned());
        let programs = self.programs.display();
        let path =
            format!("{programs}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
        Launch {
            program: PathBuf::from("/usr/bin/unshare"),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: vec![("PATH", path)],
            directory: folder.to_owned(),
            user: None,
            inherit: Vec::new(),
            output: Stdio::null(),
            death_signal: Signal::SIGKILL,
        }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        drop(self.process.take());
        leftovers::remove(self.folder.path(), &self.cgroup_parent);
    }
}

async fn answers(socket: &Path) -> bool {
    let ask = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream
            .write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer.windows(4).any(|four| four == b" 200"))
    };
    ask.await.unwrap_or(false)
}

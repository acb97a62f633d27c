//! The Runlog that is measured: an own one in a temporary folder, or one that is there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use runlog_client::{BaseUrl, Client};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::report::say;

/// How long it may take until it listens: databases are made, toolchains are looked at.
const START: Duration = Duration::from_secs(300);

/// How long it may take to end.
const STOP: Duration = Duration::from_secs(60);

/// What is measured.
pub(crate) struct System {
    client: Client,
    own: Option<Own>,
}

struct Own {
    program: PathBuf,
    process: Child,
    up: Up,
    /// Dropped last.
    folder: TempDir,
}

/// What a `runlog up` writes about itself into its data folder.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Up {
    url: String,
    nats_url: String,
    database_url: String,
}

/// A second edge on the same log, in a process of its own.
pub(crate) struct Edge {
    process: Child,
    pub(crate) client: Client,
    pub(crate) pid: u32,
}

impl System {
    /// Starts a `runlog up`, unless there is an edge already; `apart` where nobody else's mounts
    /// are seen.
    pub(crate) async fn start(
        url: Option<BaseUrl>,
        program: Option<PathBuf>,
        apart: bool,
    ) -> anyhow::Result<Self> {
        if let Some(url) = url {
            return Ok(Self {
                client: Client::new(url),
                own: None,
            });
        }
        let program = program.map_or_else(beside_us, Ok)?;
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        say(&format!(
            "starting {} up in {}",
            program.display(),
            folder.path().display()
        ));
        let mut command = if apart {
            let mut command = Command::new("unshare");
            command.args(["--mount", "--propagation", "private", "--"]);
            command.arg(&program);
            command
        } else {
            Command::new(&program)
        };
        command.args(["up", "--json", "--port", "0", "--data"]);
        command.arg(folder.path().join("data"));
        let (process, line) = start(command).await?;
        let told: Told = serde_json::from_str(&line).context("runlog up told nothing")?;
        let file = std::fs::read(folder.path().join("data/up.json")).context("no up.json")?;
        let up: Up = serde_json::from_slice(&file).context("up.json cannot be read")?;
        ensure!(told.url == up.url, "runlog up tells two addresses");
        Ok(Self {
            client: Client::new(up.url.parse()?),
            own: Some(Own {
                program,
                process,
                up,
                folder,
            }),
        })
    }

    /// A client of its edge.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it was started here.
    pub(crate) const fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The process that was started here.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.own.as_ref().and_then(|it| it.process.id())
    }

    /// Starts an edge of its own process beside, where the system was started here.
    pub(crate) async fn edge(&self) -> anyhow::Result<Option<Edge>> {
        let Some(own) = &self.own else {
            return Ok(None);
        };
        let mut command = Command::new(&own.program);
        command
            .args(["edge", "--json", "--listen", "127.0.0.1:0"])
            .env("RUNLOG_NATS_URL", &own.up.nats_url)
            .env("RUNLOG_DATABASE_URL", &own.up.database_url);
        let (process, line) = start(command).await?;
        let told: Told = serde_json::from_str(&line).context("runlog edge told nothing")?;
        let pid = process.id().context("the edge ended")?;
        Ok(Some(Edge {
            process,
            client: Client::new(told.url.parse()?),
            pid,
        }))
    }

    /// Ends what was started here; it must end well.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Some(own) = self.own else {
            return Ok(());
        };
        end(own.process).await.context("runlog up")?;
        own.folder.close().context("cannot remove the folder")
    }
}

impl Edge {
    /// Ends it; it must end well.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        end(self.process).await.context("runlog edge")
    }
}

/// What a service says in its first line with `--json`.
#[derive(Deserialize)]
pub(crate) struct Told {
    pub(crate) url: String,
}

/// Starts a service and waits for its first line.
pub(crate) async fn start(mut command: Command) -> anyhow::Result<(Child, String)> {
    let mut process = command
        .env("RUNLOG_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start runlog")?;
    let stdout = process.stdout.take().context("it has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    match timeout(START, lines.next_line()).await {
        Ok(Ok(Some(line))) => Ok((process, line)),
        Ok(_) => bail!(
            "runlog ended while it was starting: {}",
            process.wait().await?
        ),
        Err(_) => bail!("runlog did not start within {} s", START.as_secs()),
    }
}

/// Tells a process to end.
pub(crate) fn terminate(process: &Child) -> anyhow::Result<()> {
    let pid = process.id().context("it ended by itself")?;
    let pid = Pid::from_raw(i32::try_from(pid)?).context("no pid")?;
    kill_process(pid, Signal::TERM).context("cannot signal")
}

/// Ends a service; it must end well.
pub(crate) async fn end(mut process: Child) -> anyhow::Result<()> {
    terminate(&process)?;
    let status = timeout(STOP, process.wait())
        .await
        .context("it did not end")??;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// The `runlog` that was built with this program.
pub(crate) fn beside_us() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let beside = own.parent().unwrap_or(Path::new("")).join("runlog");
    ensure!(
        beside.is_file(),
        "there is no {}: build it or name one with --runlog",
        beside.display()
    );
    Ok(beside)
}

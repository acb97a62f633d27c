//! The requests to the Docker daemon that this engine makes: the whole list.
//!
//! Never `exec`, `cp`, `archive`, `commit` or `export`: what a program has made in a container is
//! reached through its init alone.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};

use super::attach;
use super::orphans::LABEL;
use crate::Error;

/// How long the daemon may take for one request.
const PATIENCE_SECONDS: u64 = 60;

/// Asks one daemon.
#[derive(Clone, Debug)]
pub(super) struct Api {
    socket: PathBuf,
}

/// A container as it is listed.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) labels: HashMap<String, String>,
    pub(super) is_running: bool,
}

/// How a container is.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The process number of its init on this machine; 0 if it has none.
    pub(super) pid: i32,
    pub(super) is_running: bool,
    /// Whether the kernel killed for want of memory.
    pub(super) oom_killed: bool,
    pub(super) exit_code: i64,
}

/// What the daemon is.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    pub(super) docker: String,
    /// By the names of the components.
    pub(super) components: HashMap<String, String>,
    /// The paths of the runtimes that the daemon knows.
    pub(super) runtimes: HashMap<String, String>,
}

impl Api {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Every request has a connection of its own anyway, so a daemon may be replaced.
    fn client(&self) -> Result<Docker, bollard::errors::Error> {
        let path = self.socket.to_string_lossy();
        Docker::connect_with_unix(&path, PATIENCE_SECONDS, bollard::API_DEFAULT_VERSION)
    }

    fn failed(&self, what: &str, error: bollard::errors::Error) -> Error {
        Error::System {
            doing: format!("{what} (Docker at {})", self.socket.display()),
            source: io::Error::other(error),
        }
    }

    pub(super) async fn create(
        &self,
        name: String,
        body: ContainerCreateBody,
    ) -> Result<String, Error> {
        let options = CreateContainerOptions {
            name: Some(name),
            ..CreateContainerOptions::default()
        };
        let made = async { self.client()?.create_container(Some(options), body).await };
        let made = made.await;
        made.map(|made| made.id)
            .map_err(|error| self.failed("creating a container", error))
    }

    pub(super) async fn attach(&self, id: &str) -> Result<tokio::net::UnixStream, Error> {
        let attached = attach::attach(&self.socket, id).await;
        attached.map_err(|source| Error::System {
            doing: "attaching to a container".to_owned(),
            source,
        })
    }

    pub(super) async fn start(&self, id: &str) -> Result<(), Error> {
        let started = async { self.client()?.start_container(id, None).await };
        started
            .await
            .map_err(|error| self.failed("starting a container", error))
    }

    pub(super) async fn state(&self, id: &str) -> Result<State, Error> {
        let found = async { self.client()?.inspect_container(id, None).await };
        let found = found
            .await
            .map_err(|error| self.failed("looking at a container", error))?;
        let state = found.state.unwrap_or_default();
        Ok(State {
            pid: state.pid.and_then(|pid| pid.try_into().ok()).unwrap_or(0),
            is_running: state.running.unwrap_or(false),
            oom_killed: state.oom_killed.unwrap_or(false),
            exit_code: state.exit_code.unwrap_or(0),
        })
    }

    /// Kills and removes a container; one that is not there, or is going, is as good as removed.
    pub(super) async fn remove(&self, id: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::default();
        let options = options.force(true).v(true).build();
        let removed = async { self.client()?.remove_container(id, Some(options)).await };
        match removed.await {
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            })
            | Ok(()) => Ok(()),
            Err(error) => Err(self.failed("removing a container", error)),
        }
    }

    /// All containers that an engine of ours has made.
    pub(super) async fn list(&self) -> Result<Vec<Listed>, Error> {
        let filters = HashMap::from([("label", vec![LABEL])]);
        let options = ListContainersOptionsBuilder::default();
        let options = options.all(true).filters(&filters).build();
        let listed = async { self.client()?.list_containers(Some(options)).await };
        let listed = listed
            .await
            .map_err(|error| self.failed("listing containers", error))?;
        let of = |found: bollard::models::ContainerSummary| {
            use bollard::models::ContainerSummaryStateEnum as S;
            Some(Listed {
                id: found.id?,
                labels: found.labels.unwrap_or_default(),
                is_running: matches!(found.state, Some(S::RUNNING | S::PAUSED | S::RESTARTING)),
            })
        };
        Ok(listed.into_iter().filter_map(of).collect())
    }

    /// The labels of an image, if it is there.
    pub(super) async fn image(&self, name: &str) -> Result<Option<HashMap<String, String>>, Error> {
        let found = async { self.client()?.inspect_image(name).await };
        match found.await {
            Ok(image) => {
                let labels = image.config.and_then(|config| config.labels);
                Ok(Some(labels.unwrap_or_default()))
            }
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(None),
            Err(error) => Err(self.failed("looking for an image", error)),
        }
    }

    pub(super) async fn versions(&self) -> Result<Versions, Error> {
        let what = "asking the Docker daemon for its version";
        let asked = async {
            let client = self.client()?;
            Ok((client.version().await?, client.info().await?))
        };
        let (version, info) = asked.await.map_err(|error| self.failed(what, error))?;
        let components = version.components.unwrap_or_default().into_iter();
        let runtimes = info.runtimes.unwrap_or_default().into_iter();
        Ok(Versions {
            docker: version.version.unwrap_or_default(),
            components: components.map(|it| (it.name, it.version)).collect(),
            runtimes: runtimes
                .map(|(name, it)| (name, it.path.unwrap_or_default()))
                .collect(),
        })
    }
}

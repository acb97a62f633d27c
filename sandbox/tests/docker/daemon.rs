//! A Docker daemon for a test, with the image that cells are made from.

use std::sync::Arc;

use runlog_local::{Docker, Error, Tools};
use runlog_sandbox::docker::{DockerConfig, DockerEngine, Runtime};

const IMAGE: &str = "runlog-test";

/// A daemon with its image.
pub(crate) struct Daemon {
    pub(crate) docker: Docker,
}

impl Daemon {
    /// Starts a daemon; `None`, said loudly, where that is impossible.
    pub(crate) async fn start() -> Option<Self> {
        match Self::try_start().await {
            Ok(daemon) => Some(daemon),
            Err(error) => {
                eprintln!("\n*** SKIPPED: no Docker daemon can run here: {error} ***\n");
                None
            }
        }
    }

    async fn try_start() -> Result<Self, Error> {
        let tools = Tools::default();
        let docker = Docker::start(&tools).await?;
        docker.import(&tools.docker_image()?, IMAGE).await?;
        Ok(Self { docker })
    }

    pub(crate) fn config(&self, runtime: Runtime) -> DockerConfig {
        DockerConfig {
            socket: self.docker.socket(),
            runtime,
            image: IMAGE.to_owned(),
            init: env!("CARGO_BIN_EXE_container-init").into(),
            init_args: Vec::new(),
            ..DockerConfig::new().expect("this program has a path")
        }
    }

    pub(crate) async fn engine(&self, config: DockerConfig) -> Arc<DockerEngine> {
        let started = DockerEngine::start(config).await;
        Arc::new(started.unwrap_or_else(|error| {
            let source = std::error::Error::source(&error);
            panic!("{error}: {source:?}")
        }))
    }

    pub(crate) async fn stop(self) {
        self.docker.stop().await.expect("a clean stop");
    }
}

//! A Docker daemon for a test, with the image that cells are made from.

use std::path::Path;
use std::sync::Arc;

use runlog_local::{Docker, Error, Tools};
use runlog_sandbox::docker::{DockerConfig, DockerEngine, Runtime};

const IMAGE: &str = "runlog-test";

/// Settings for an engine of this test program.
pub(crate) fn config(socket: &Path, runtime: Runtime) -> DockerConfig {
    DockerConfig {
        socket: socket.to_owned(),
        runtime,
        image: IMAGE.to_owned(),
        init: env!("CARGO_BIN_EXE_container-init").into(),
        init_args: Vec::new(),
        ..DockerConfig::new().expect("this program has a path")
    }
}

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
        config(&self.docker.socket(), runtime)
    }

    /// The ids of all containers, running or not.
    pub(crate) async fn containers(&self) -> Vec<String> {
        let listed = self.ask(&["ps", "--all", "--quiet", "--no-trunc"]).await;
        listed.lines().map(str::to_owned).collect()
    }

    /// How many containers run.
    pub(crate) async fn running(&self) -> usize {
        self.ask(&["ps", "--quiet"]).await.lines().count()
    }

    pub(crate) async fn inspect(&self, id: &str) -> serde_json::Value {
        let text = self.ask(&["inspect", id]).await;
        let all: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        all[0].clone()
    }

    async fn ask(&self, args: &[&str]) -> String {
        let output = self
            .docker
            .client()
            .args(args)
            .output()
            .await
            .expect("docker");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
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

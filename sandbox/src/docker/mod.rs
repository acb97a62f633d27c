//! The Docker engine: a single-use container for each cell.
//!
//! A container's only process at first is an init of ours (this program, which the container sees
//! read-only). The worker attaches to its standard streams before it is started and talks to it
//! over them; it runs the steps. So a cell has several steps without `docker exec`, files go in
//! and come out without `docker cp`, and a parked cell starts a step in about a millisecond.
//!
//! The worker must be on the daemon's machine, as root: it sets limits and reads figures in the
//! containers' control groups directly, and can kill a container without the daemon.

mod accounts;
mod api;
mod attach;
mod body;
mod cell;
mod config;
pub mod demux;
mod ending;
mod frames;
mod gate;
mod handing_over;
mod init;
mod link;
mod orphans;
mod pool;
mod preflight;
mod profile;
mod protocol;
mod run;
mod spec;

pub use config::{DEFAULT_IMAGE, DockerConfig, Runtime};
pub use init::container_init_main;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::api::Api;
use self::body::Body;
use self::cell::DockerCell;
use self::orphans::Labels;
use self::pool::Pool;
use crate::native::body::failed;
use crate::{Cell, CellSpec, Engine, Error, Parked};

/// Time between two attempts to remove what could not be removed.
const AGAIN: Duration = Duration::from_secs(2);

/// The Docker engine.
#[derive(Debug)]
pub struct DockerEngine {
    shared: Arc<Shared>,
    warnings: Vec<String>,
}

/// What all cells of an engine have in common.
#[derive(Debug)]
struct Shared {
    config: DockerConfig,
    api: Api,
    labels: Labels,
    pool: Pool,
    tasks: TaskTracker,
    runtime: Handle,
    /// Containers that the daemon did not remove when it was asked to.
    stubborn: Mutex<Vec<String>>,
    closing: CancellationToken,
}

impl Shared {
    /// Runs something that the engine waits for when it closes.
    fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }

    fn remember(&self, id: String) {
        let stubborn = self.stubborn.lock();
        stubborn.unwrap_or_else(PoisonError::into_inner).push(id);
    }

    /// Removes a container that is of no use any more, now or later.
    async fn remove(&self, id: &str) {
        if let Err(error) = self.api.remove(id).await {
            tracing::warn!(%error, "a container could not be removed; trying again later");
            self.remember(id.to_owned());
        }
    }

    /// Tries once more to remove what could not be removed.
    async fn remove_stubborn(&self) {
        let stubborn = {
            let mut all = self.stubborn.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *all)
        };
        for id in stubborn {
            if self.api.remove(&id).await.is_err() {
                self.remember(id);
            }
        }
    }
}

impl DockerEngine {
    /// Removes what dead workers left, proves in a first cell that every layer holds, and parks
    /// cells.
    ///
    /// # Errors
    /// Names what is missing; then no program would be safe here and none is run.
    pub async fn start(config: DockerConfig) -> Result<Self, Error> {
        let api = Api::new(config.socket.clone());
        let labels = Labels::own().map_err(failed("finding out who this worker is"))?;
        let warnings = look_at(&api, &config).await?;
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let orphans = orphans::remove(&api, &labels).await?;
        if orphans > 0 {
            tracing::info!(orphans, "removed containers of dead workers");
        }
        let shared = Arc::new(Shared {
            config,
            api,
            labels,
            pool: Pool::default(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            stubborn: Mutex::default(),
            closing: CancellationToken::new(),
        });
        let engine = Self { shared, warnings };
        if let Err(error) = preflight::check(&engine).await {
            engine.close().await;
            return Err(error);
        }
        engine.keep_clean();
        Pool::refill(&engine.shared);
        Ok(engine)
    }

    /// How many cells wait ready to be used.
    pub fn parked_cells(&self) -> usize {
        self.shared.pool.parked()
    }

    /// What of the daemon and its runtime is older than it should be, in words.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn keep_clean(&self) {
        let shared = Arc::clone(&self.shared);
        self.shared.in_background(async move {
            let closing = shared.closing.clone();
            let cleaning = async {
                loop {
                    tokio::time::sleep(AGAIN).await;
                    shared.remove_stubborn().await;
                }
            };
            tokio::select! {
                () = closing.cancelled() => {}
                () = cleaning => {}
            }
        });
    }
}

/// Whether the daemon has what it takes, and what of it is too old.
async fn look_at(api: &Api, config: &DockerConfig) -> Result<Vec<String>, Error> {
    let versions = api.versions().await?;
    let runtime = config.runtime.name();
    if !versions.runtimes.contains_key(runtime) {
        let text = format!("the Docker daemon has no runtime {runtime}");
        return Err(failed("choosing a runtime")(io::Error::other(text)));
    }
    let Some(labels) = api.image(&config.image).await? else {
        let text = format!(
            "there is no image {}; `make images` builds it",
            config.image
        );
        return Err(failed("choosing an image")(io::Error::other(text)));
    };
    let mut warnings = gate::warnings(&versions, config.runtime).await;
    warnings.extend(gate::stale_image(&config.image, &labels, &config.packages));
    Ok(warnings)
}

impl Engine for DockerEngine {
    fn name(&self) -> &'static str {
        match self.shared.config.runtime {
            Runtime::Runc => "docker",
            Runtime::Runsc => "gvisor",
        }
    }

    fn cell(&self, spec: CellSpec) -> BoxFuture<'_, Result<Box<dyn Cell>, Error>> {
        async move {
            let shared = &self.shared;
            if shared.tasks.is_closed() {
                return Err(Error::Closing);
            }
            let parked = shared.pool.take(spec.disk_bytes);
            let was_parked = parked.is_some();
            let mut body = match parked {
                Some(body) => body,
                None => make(Arc::clone(shared), spec.disk_bytes).await?,
            };
            Pool::refill(shared);
            body.resize_disk(spec.disk_bytes)?;
            let cell = DockerCell::new(body, Arc::clone(shared), was_parked);
            Ok(Box::new(cell) as Box<dyn Cell>)
        }
        .boxed()
    }

    fn parked(&self) -> Vec<Parked> {
        vec![self.shared.pool.report()]
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.shared.closing.cancel();
            self.shared.pool.close();
            self.shared.tasks.close();
            self.shared.tasks.wait().await;
            self.shared.remove_stubborn().await;
        }
        .boxed()
    }
}

impl Drop for DockerEngine {
    fn drop(&mut self) {
        // Parked cells, and the task that cleans up, hold on to what they share.
        self.shared.closing.cancel();
        self.shared.pool.close();
    }
}

/// Makes a cell in a task of its own: if nobody waits for it any more, it is removed again.
async fn make(shared: Arc<Shared>, disk_bytes: u64) -> Result<Body, Error> {
    let making = Body::make(Arc::clone(&shared), disk_bytes);
    let task = shared.tasks.spawn(making);
    task.await
        .map_err(|error| Error::CellGone(format!("a task of ours was lost: {error}")))?
}

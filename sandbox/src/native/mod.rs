//! The native engine: namespaces, cgroups, seccomp; no daemon.
//!
//! The worker asks a small [spawner](spawner_main) process for cells. In each cell an init of
//! ours is process 1 and keeps one process primed, with every restriction in place, which
//! becomes the program when it is told to. The worker keeps the clocks, reads the control groups
//! and decides why a step ended.
//!
//! Nothing that a cell can write outlives it: its disk is a tmpfs in its own mount namespace, and
//! the rest of its root is read-only.

mod body;
mod cell;
mod cgroup;
mod channel;
mod collect;
mod config;
mod init;
mod landlock;
mod link;
mod pool;
mod preflight;
mod protocol;
mod run;
mod seccomp;
mod spawner;
mod streams;
mod sys;
mod uids;
mod verdict;
mod wire;

pub use config::{Mount, NativeConfig, SpawnerCommand};
pub use spawner::spawner_main;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use self::body::Body;
use self::cell::NativeCell;
use self::cgroup::Tree;
use self::link::Link;
use self::pool::Pool;
use crate::{Cell, CellSpec, Engine, Error};

/// The native engine.
#[derive(Debug)]
pub struct NativeEngine {
    shared: Arc<Shared>,
}

/// What all cells of an engine have in common.
#[derive(Debug)]
struct Shared {
    config: NativeConfig,
    tree: Tree,
    link: Link,
    pool: Pool,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Shared {
    /// Runs something that the engine waits for when it closes.
    fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }
}

impl NativeEngine {
    /// Starts the spawner, proves in a first cell that every layer holds, and parks cells.
    ///
    /// # Errors
    /// Names the layer that is missing; then no program would be safe here and none is run.
    pub async fn start(config: NativeConfig) -> Result<Self, Error> {
        let tree = Tree::make(&config.cgroup_root)?;
        let link = Link::start(&config).await?;
        let shared = Arc::new(Shared {
            config,
            tree,
            link,
            pool: Pool::default(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        });
        let engine = Self { shared };
        if let Err(error) = preflight::check(&engine).await {
            engine.close().await;
            return Err(error);
        }
        Pool::refill(&engine.shared);
        Ok(engine)
    }

    /// How many cells wait ready to be used.
    pub fn parked_cells(&self) -> usize {
        self.shared.pool.parked()
    }
}

impl Engine for NativeEngine {
    fn name(&self) -> &'static str {
        "native"
    }

    fn cell(&self, spec: CellSpec) -> BoxFuture<'_, Result<Box<dyn Cell>, Error>> {
        async move {
            let shared = &self.shared;
            if shared.tasks.is_closed() {
                return Err(Error::Closing);
            }
            let parked = shared.pool.take();
            let was_parked = parked.is_some();
            let mut body = match parked {
                Some(body) => body,
                None => make(Arc::clone(shared), spec.disk_bytes).await?,
            };
            Pool::refill(shared);
            body.resize_disk(spec.disk_bytes)?;
            let cell = NativeCell::new(body, Arc::clone(shared), was_parked);
            Ok(Box::new(cell) as Box<dyn Cell>)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.shared.pool.close();
            self.shared.tasks.close();
            self.shared.tasks.wait().await;
            self.shared.link.close().await;
            self.shared.tree.remove();
        }
        .boxed()
    }
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        // Parked cells hold on to what they share.
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

//! The native engine: namespaces, cgroups, seccomp; no daemon.
//!
//! The worker asks a small [spawner](spawner_main) process for cells. In each cell an init of
//! ours is process 1 and keeps one process primed, with every restriction in place, which
//! becomes the program when it is told to. The worker keeps the clocks, reads the control groups
//! and decides why a step ended.
//!
//! Nothing that a cell can write outlives it: its disk is a tmpfs in its own mount namespace, and
//! the rest of its root is read-only.

pub(crate) mod body;
mod cell;
pub(crate) mod cgroup;
mod channel;
pub(crate) mod collect;
mod config;
mod demand;
mod flavour;
mod handover;
pub(crate) mod init;
pub(crate) mod landlock;
mod layer;
mod library;
mod link;
mod pool;
mod preflight;
mod primed;
pub(crate) mod protocol;
mod run;
pub(crate) mod seccomp;
mod spawner;
pub(crate) mod streams;
pub(crate) mod sys;
pub(crate) mod uids;
pub(crate) mod verdict;
mod weaken;
pub(crate) mod wire;
mod zygotes;

pub use config::{Mount, NativeConfig, SpawnerCommand, WarmHost, WarmRuntime, WarmWay};
pub use layer::{Finding, Layer, LayerState};
pub use spawner::spawner_main;
pub use sys::take_short_turns;
pub use uids::UidRange;
#[cfg(feature = "weaken")]
pub use weaken::Weakening;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::body::Body;
use self::cell::NativeCell;
use self::cgroup::Tree;
use self::flavour::Flavour;
use self::link::Link;
use crate::{Cell, CellSpec, Engine, Error, Parked};

/// Time between two looks at pools that nobody asks for cells.
const TENDING: Duration = Duration::from_secs(5);

/// The native engine.
#[derive(Debug)]
pub struct NativeEngine {
    shared: Arc<Shared>,
    findings: Vec<Finding>,
}

/// What all cells of an engine have in common.
#[derive(Debug)]
struct Shared {
    config: NativeConfig,
    tree: Tree,
    /// The spawner of all cells that are not forks of a warm host.
    link: Arc<Link>,
    /// The first can run anything.
    flavours: Vec<Arc<Flavour>>,
    closing: CancellationToken,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Shared {
    /// The kind of cells that can run anything.
    fn plain(&self) -> &Arc<Flavour> {
        &self.flavours[0]
    }

    /// The kind of cells for a warm host; the plain one if there is no such host.
    fn flavour(&self, warm: Option<&str>) -> &Arc<Flavour> {
        let named = self.flavours.iter().find(|it| it.name() == warm);
        named.unwrap_or_else(|| self.plain())
    }

    /// A cell that runs a step of that kind, however it gets it, and whether it was parked.
    async fn body(self: &Arc<Self>, spec: &CellSpec) -> Result<(Body, bool), Error> {
        let wanted = self.flavour(spec.warm.as_deref());
        let parked = wanted.pool.take();
        let made = match parked {
            Some(body) => Some(Ok((body, true))),
            None => Flavour::make_at_once(self, wanted, spec.disk_bytes)
                .await
                .map(|made| made.map(|body| (body, false))),
        };
        Flavour::tend(self, wanted);
        match made {
            Some(Ok(got)) => return Ok(got),
            Some(Err(error)) if Arc::ptr_eq(wanted, self.plain()) => return Err(error),
            // What the host cannot do now, the step does itself.
            Some(Err(_)) | None => {}
        }
        let plain = self.plain();
        let got = match plain.pool.take() {
            Some(body) => Ok((body, true)),
            None => Flavour::make(self, plain, spec.disk_bytes)
                .await
                .map(|body| (body, false)),
        };
        Flavour::tend(self, plain);
        got
    }

    /// Parks nothing any more; gives the spawners that are to be ended.
    fn stop(&self) -> Vec<Arc<Link>> {
        self.closing.cancel();
        self.flavours.iter().flat_map(|it| it.close()).collect()
    }

    /// Lets pools shrink that nobody uses any more.
    async fn tend_regularly(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = tokio::time::sleep(TENDING) => {}
            }
            for flavour in &self.flavours {
                Flavour::tend(&self, flavour);
            }
            let of = Arc::clone(&self);
            // A group that cannot be removed is said where that happens.
            let _ = body::aside(move || of.tree.age()).await;
        }
    }

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
        let allowed = config.allow_missing.clone();
        let mut engine = Self::open(config).await.map_err(preflight::named)?;
        let proven = preflight::prove(&engine.shared).await;
        let proven = proven.map_err(preflight::named).and_then(|findings| {
            preflight::refuse(&findings, &allowed)?;
            Ok(findings)
        });
        match proven {
            Ok(findings) => engine.findings = findings,
            Err(error) => {
                engine.close().await;
                return Err(error);
            }
        }
        let shared = &engine.shared;
        for flavour in &shared.flavours {
            Flavour::tend(shared, flavour);
        }
        shared.in_background(Arc::clone(shared).tend_regularly());
        Ok(engine)
    }

    /// Proves every layer as [`NativeEngine::start`] does, and tells what it has found of each.
    ///
    /// # Errors
    /// When no cell could be made, and no layer is to blame for that.
    pub async fn check(config: NativeConfig) -> Result<Vec<Finding>, Error> {
        let engine = match Self::open(config).await {
            Ok(engine) => engine,
            Err(error) => return preflight::blame(error),
        };
        let proven = preflight::prove(&engine.shared).await;
        engine.close().await;
        proven.or_else(preflight::blame)
    }

    /// Without any cell yet.
    async fn open(config: NativeConfig) -> Result<Self, Error> {
        #[cfg(feature = "weaken")]
        weaken::set(weaken::number(config.weaken));
        let tree = Tree::make(&config.cgroup_root)?;
        let link = match Link::start(&config, None).await {
            Ok(link) => Arc::new(link),
            Err(error) => {
                tree.remove();
                return Err(error);
            }
        };
        // Without the library nothing can be forked.
        let can_fork = config.library.is_some();
        let hosts = config.warm_hosts.iter();
        let hosts = hosts.filter(|host| can_fork || host.way == WarmWay::Start);
        let mut flavours = vec![Arc::new(Flavour::plain(config.parked_cells))];
        flavours.extend(hosts.cloned().map(|host| Arc::new(Flavour::warm(host))));
        let shared = Arc::new(Shared {
            config,
            tree,
            link,
            flavours,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        });
        let findings = Vec::new();
        Ok(Self { shared, findings })
    }

    /// What was found at the start of each layer, in order.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many cells that can run anything wait ready to be used.
    pub fn parked_cells(&self) -> usize {
        self.shared.plain().pool.parked().0
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
            let (mut body, was_parked) = shared.body(&spec).await?;
            body.resize_disk(spec.disk_bytes)?;
            let cell = NativeCell::new(body, Arc::clone(shared), was_parked);
            Ok(Box::new(cell) as Box<dyn Cell>)
        }
        .boxed()
    }

    fn parked(&self) -> Vec<Parked> {
        let of = |flavour: &Arc<Flavour>| {
            let (cells, memory_bytes) = flavour.pool.parked();
            Parked {
                warm: flavour.name().map(str::to_owned),
                cells,
                memory_bytes,
            }
        };
        self.shared.flavours.iter().map(of).collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let links = self.shared.stop();
            self.shared.tasks.close();
            self.shared.tasks.wait().await;
            for link in links {
                link.close().await;
            }
            self.shared.link.close().await;
            self.shared.tree.remove();
        }
        .boxed()
    }
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        // Parked cells hold on to what they share.
        self.shared.stop();
    }
}

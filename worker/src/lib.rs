//! Takes submissions from the queues, runs each in a sandbox cell, and writes what happened to
//! the log.
//!
//! Responsible for leases, attempts, fencing, the recording of output and the end of every
//! execution that it began. Never decides what an event means (that is `schemas`), never isolates
//! (that is `sandbox`), and keeps no progress of its own: what is not in the log did not happen.
//!
//! ```text
//! run
//!   ├─ presence  reports the worker itself
//!   ├─ survey    which languages there are; reports them
//!   └─ dispatch  takes a submission for every free slot
//!        └─ one task per execution, and one for the removal of its cell
//! ```

mod cache;
mod config;
mod metrics;
mod parked;
mod presence;
mod pull;
mod queues;
mod run;
mod survey;
mod toolchain;
mod warm;
mod worker;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use prometheus::Registry;
use runlog_nats::Log;
use runlog_sandbox::Engine;
use runlog_schemas::Catalog;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a worker decides, without I/O: for the model of the whole system.
pub mod machine {
    pub use crate::run::attempt::{Attempt, Breakage, Event, Leave, Next, Now, Position, Setup};
    pub use crate::run::claim::{Claim, claim};
    pub use crate::run::input::Sent;
    pub use crate::run::outcome::Verdict;
    pub use crate::run::recorder::Caps;
    pub use crate::run::salvage::Salvage;
}

pub use config::Config;
pub use run::{SelfTestError, self_test};
pub use toolchain::{Mount, Toolchains, mounts};
pub use warm::{warm_hosts, warm_step};

/// What a worker is put together from.
pub struct Parts {
    /// The log.
    pub log: Log,
    /// Where programs run; whoever made it closes it.
    pub engine: Arc<dyn Engine>,
    /// The languages that may be served.
    pub languages: Arc<Catalog>,
    /// What [`mounts`] found for them.
    pub toolchains: Toolchains,
    /// Where the metrics are registered.
    pub registry: Registry,
}

/// Why a worker stopped although nobody asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two workers of one process share a registry.
    #[error("cannot register the metrics")]
    Metrics(#[from] prometheus::Error),
    /// The client of the log was closed under the worker.
    #[error("the connection to the log was closed")]
    LogClosed,
}

/// Runs executions until a shutdown is asked for, then finishes or hands back what still runs.
///
/// # Errors
/// When the worker cannot begin, or loses the log for good.
pub async fn run(config: Config, parts: Parts, shutdown: CancellationToken) -> Result<(), Error> {
    let metrics = metrics::Metrics::new(&parts.registry)?;
    metrics
        .slots
        .set(i64::try_from(config.slots).unwrap_or(i64::MAX));
    parked::register(&parts.registry, Arc::clone(&parts.engine))?;
    let cache = Arc::new(cache(&config, &parts, &metrics));
    let worker = Arc::new(worker::Worker {
        config,
        log: parts.log,
        engine: parts.engine,
        languages: parts.languages,
        metrics,
        cache,
        tracker: TaskTracker::new(),
        hurry: CancellationToken::new(),
        running: Mutex::new(HashSet::new()),
        cut_off: Mutex::new(None),
        served: watch::Sender::default(),
        draining: shutdown.child_token(),
    });
    let stop = shutdown.child_token();
    let over = CancellationToken::new();
    let beside = TaskTracker::new();
    beside.spawn(presence::report(Arc::clone(&worker), over.clone()));
    let (available, languages) = mpsc::channel(1);
    let survey = survey::survey(
        Arc::clone(&worker),
        parts.toolchains,
        available,
        stop.clone(),
    );
    worker.tracker.spawn(survey);
    let dispatcher = pull::Dispatcher::new(Arc::clone(&worker), languages, stop.clone());
    let dispatching = worker.tracker.spawn(dispatcher.run());
    // It ends when it is told to, and by itself only without a log.
    let ended = dispatching.await;
    let asked = shutdown.is_cancelled();
    stop.cancel();
    worker.draining.cancel();
    worker.tracker.close();
    if timeout(worker.config.grace, worker.tracker.wait())
        .await
        .is_err()
    {
        tracing::warn!("handing back what still runs");
        worker.hurry.cancel();
        worker.tracker.wait().await;
    }
    over.cancel();
    beside.close();
    beside.wait().await;
    worker.log.flush().await;
    if asked && ended.is_ok() {
        Ok(())
    } else {
        Err(Error::LogClosed)
    }
}

/// The cache of what was compiled. Only the cells of the native engine have the machine's toolchains,
/// of which we can tell when they change.
fn cache(config: &Config, parts: &Parts, metrics: &metrics::Metrics) -> cache::Cache {
    let engine = parts.engine.name();
    let identity = (engine == "native")
        .then(|| cache::Identity::of_host(&parts.toolchains.mounts))
        .flatten();
    let lookups = metrics.artifacts.clone();
    cache::Cache::new(
        config.cache_bytes,
        parts.log.artifacts(),
        engine,
        identity,
        lookups,
    )
}

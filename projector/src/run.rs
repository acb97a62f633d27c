//! A projector from start to stop.
//!
//! ```text
//! run ── one session after the other ── migrate, stand by, then while active:
//!         ├─ follow    this task: the log into rows, with a task that reads ahead
//!         ├─ archive   recordings of what ended
//!         ├─ expire    what waited too long
//!         ├─ trim      the front of a log that grows full
//!         ├─ snippets  programs that were shared into rows
//!         ├─ letters   how many dead letters wait, and for how long
//!         └─ lag       how far behind
//! ```
//! The five beside `follow` mend their own failures; one of `follow` ends the session.

use std::convert::Infallible;
use std::time::Duration;

use std::sync::Arc;

use prometheus::Registry;
use runlog_nats::Log;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::archive::archive;
use crate::expire::expire;
use crate::follow::follow;
use crate::letters::watch_letters;
use crate::metrics::Metrics;
use crate::snippets::snippets;
use crate::store::Store;
use crate::trim::trim;
use crate::{Config, Error, SCHEMA, migrate};

/// What the tasks of a projector have in common.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) log: Log,
    pub(crate) metrics: Metrics,
    /// Told when there are recordings to store.
    pub(crate) recordings_due: Notify,
    /// Up to where the log has been folded.
    pub(crate) checkpoint: watch::Sender<u64>,
}

/// Runs a projector until `shutdown`. With PostgreSQL or the log away it waits and goes on by
/// itself; while another projector is active it stands by.
///
/// # Errors
/// When going on is of no use until somebody has looked, such as a message in the log that this
/// version cannot read. A projector of a newer version may take over then.
pub async fn run(
    config: Config,
    log: Log,
    registry: &Registry,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let shared = Arc::new(Shared {
        config,
        log,
        metrics: Metrics::register(registry)?,
        recordings_due: Notify::new(),
        checkpoint: watch::Sender::new(0),
    });
    let tasks = TaskTracker::new();
    let ended = sessions(&shared, &tasks, &shutdown).await;
    tasks.close();
    tasks.wait().await;
    ended
}

async fn sessions(
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let mut pause = Pause::new(&shared.config);
    loop {
        let folded = shared.metrics.events.get();
        let ended = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            ended = session(shared, tasks) => ended,
        };
        shared.metrics.active.set(0);
        let Err(error) = ended;
        if !error.is_passing() {
            shared.metrics.poison.set(1);
            return Err(error);
        }
        if shared.metrics.events.get() > folded {
            pause.reset();
        }
        if !failed(shared, "follow", &error, &mut pause, shutdown).await {
            return Ok(());
        }
    }
}

async fn session(shared: &Arc<Shared>, tasks: &TaskTracker) -> Result<Infallible, Error> {
    let address = &shared.config.database;
    migrate(address).await?;
    let mut store = Store::open(address, SCHEMA).await?;
    if !store.try_lock().await? {
        tracing::info!("another projector is active; standing by");
        loop {
            tokio::time::sleep(shared.config.standby_interval).await;
            if store.try_lock().await? {
                break;
            }
        }
    }
    shared.metrics.active.set(1);
    let stop = CancellationToken::new();
    let _stop_with_us = stop.clone().drop_guard();
    tasks.spawn(archive(Arc::clone(shared), stop.clone()));
    tasks.spawn(expire(Arc::clone(shared), stop.clone()));
    tasks.spawn(trim(Arc::clone(shared), stop.clone()));
    tasks.spawn(snippets(Arc::clone(shared), stop.clone()));
    tasks.spawn(watch_letters(Arc::clone(shared), stop.clone()));
    tasks.spawn(watch_lag(Arc::clone(shared), stop));
    follow(shared, &mut store, tasks).await
}

async fn watch_lag(shared: Arc<Shared>, stop: CancellationToken) {
    while pause_for(shared.config.lag_interval, &stop).await {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            asked = shared.log.last_sequence() => asked,
        };
        // With the log away there is nothing to fall behind of.
        if let Ok(last) = asked {
            let lag = last.saturating_sub(*shared.checkpoint.borrow());
            shared
                .metrics
                .lag
                .set(i64::try_from(lag).unwrap_or(i64::MAX));
        }
    }
}

/// Counts and tells of a failure and waits before the next try; `false` to stop instead.
pub(crate) async fn failed(
    shared: &Shared,
    task: &'static str,
    error: &Error,
    pause: &mut Pause,
    stop: &CancellationToken,
) -> bool {
    shared.metrics.failures.with_label_values(&[task]).inc();
    tracing::warn!(
        error = error as &dyn std::error::Error,
        task,
        "the projector tries again"
    );
    pause_for(pause.next(), stop).await
}

/// Waits; `false` where it was told to stop.
pub(crate) async fn pause_for(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// Grows with each failure.
pub(crate) struct Pause {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pause {
    pub(crate) const fn new(config: &Config) -> Self {
        Self {
            first: config.first_pause,
            longest: config.longest_pause,
            next: config.first_pause,
        }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let next = self.next;
        self.next = (next * 2).min(self.longest);
        next
    }

    pub(crate) const fn reset(&mut self) {
        self.next = self.first;
    }
}

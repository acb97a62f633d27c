//! Makes the read models again from the log, beside the live ones, and puts them in their place.
//!
//! What has left the log is copied from the live tables: executions whose submission is gone, with
//! all that belongs to them, recordings whose output is gone, and snippets. Nothing is interrupted:
//! readers see the old tables up to the swap and the new ones from then on, and an active projector
//! goes on with the new ones.
//!
//! ```text
//! rebuild ─┬─ this task    folds the log, then swaps
//!          ├─ read ahead   the log in batches
//!          └─ record       recordings of what ended, until the fold is through
//! ```

mod copy;
mod record;
mod swap;

use std::time::Duration;

use runlog_nats::{Log, Recorded};
use runlog_schemas::subject;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::archive::OBJECTS_LOCK;
use crate::database::Connection;
use crate::migrate::migrate_schema;
use crate::read_ahead::ReadAhead;
use crate::snippets::{Snippets, check_log};
use crate::store::Store;
use crate::{Config, Error, SCHEMA, migrate};

/// Where the new tables grow.
const BESIDE: &str = "runlog_rebuild";
/// Where the old ones go.
const PREVIOUS: &str = "runlog_previous";

/// Held by whoever rebuilds.
const REBUILD_LOCK: i64 = 0x72_75_6e_6c_6f_67_03;

/// How long events that should be in the log are waited for before it is looked whether they are.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// How far a rebuild has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The sequence up to which the log has been folded.
    pub folded: u64,
    /// The sequence up to which it will be folded, as far as known.
    pub target: u64,
    /// Events folded.
    pub events: u64,
    /// Executions copied from the live tables, since their submission has left the log.
    pub copied: u64,
    /// Recordings stored that are complete.
    pub recordings: u64,
    /// Recordings stored that are not: their output has left the log, and the live tables have no
    /// better one.
    pub incomplete: u64,
}

/// Makes the read models again and puts them in place. May be broken off at any time and begun
/// anew: until the swap nothing has happened to the live tables.
///
/// # Errors
/// When PostgreSQL or the log fails, holds what cannot be read, or another rebuild goes on.
pub async fn rebuild(
    config: &Config,
    log: &Log,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Progress, Error> {
    migrate(&config.database).await?;
    let guard = Connection::open(&config.database, SCHEMA).await?;
    lock(&guard).await?;
    let (told, mut heard) = watch::channel(Progress::default());
    let tell = async {
        while heard.changed().await.is_ok() {
            progress(*heard.borrow_and_update());
        }
        std::future::pending::<Error>().await
    };
    let done = tokio::select! {
        done = rebuild_locked(config, log, &guard, &told) => done,
        never = tell => Err(never),
    };
    // The server may take a moment to notice that a connection is gone.
    let unlocked = guard.execute("SELECT pg_advisory_unlock_all()", &[]).await;
    done?;
    unlocked.map_err(Error::database("unlock the rebuild"))?;
    let done = *told.borrow();
    Ok(done)
}

async fn rebuild_locked(
    config: &Config,
    log: &Log,
    guard: &Connection,
    progress: &watch::Sender<Progress>,
) -> Result<(), Error> {
    check_log(log, guard).await?;
    // Released with the connection, or by the end of `rebuild`.
    guard
        .execute("SELECT pg_advisory_lock($1)", &[&OBJECTS_LOCK])
        .await
        .map_err(Error::database("lock the objects"))?;
    prepare(guard, config).await?;
    let tasks = TaskTracker::new();
    let mut rebuild = Rebuild::open(config, log, progress, &tasks).await?;
    let folded = CancellationToken::new();
    let recording = record::Recording {
        config: config.clone(),
        log: log.clone(),
        progress: progress.clone(),
        folded: folded.clone(),
    };
    let recorded = tasks.spawn(recording.run());
    let _stop_with_us = AbortOnDrop(recorded.abort_handle());
    rebuild.catch_up(log.last_sequence().await?).await?;
    folded.cancel();
    recorded.await.expect("it does not panic")?;
    // What is left of them is done in the swap, while nobody writes.
    rebuild.snippets.catch_up(log).await?;
    rebuild.analyze().await?;
    swap::swap(&mut rebuild).await?;
    swap::drop_schema(guard, PREVIOUS).await
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn lock(guard: &Connection) -> Result<(), Error> {
    let row = guard
        .query_one("SELECT pg_try_advisory_lock($1)", &[&REBUILD_LOCK])
        .await
        .map_err(Error::database("lock the rebuild"))?;
    if row.get(0) {
        Ok(())
    } else {
        Err(Error::AnotherRebuild)
    }
}

/// Removes what a rebuild left that was broken off, and makes empty tables.
async fn prepare(guard: &Connection, config: &Config) -> Result<(), Error> {
    swap::drop_schema(guard, PREVIOUS).await?;
    swap::drop_schema(guard, BESIDE).await?;
    let mut beside = Connection::open(&config.database, BESIDE).await?;
    migrate_schema(&mut beside, BESIDE).await
}

/// The fold of a rebuild.
struct Rebuild<'a> {
    config: &'a Config,
    log: &'a Log,
    progress: &'a watch::Sender<Progress>,
    /// A connection to the new tables, for everything but the fold.
    beside: Connection,
    store: Store,
    snippets: Snippets,
    batches: ReadAhead,
    checkpoint: u64,
}

impl<'a> Rebuild<'a> {
    async fn open(
        config: &'a Config,
        log: &'a Log,
        progress: &'a watch::Sender<Progress>,
        tasks: &TaskTracker,
    ) -> Result<Self, Error> {
        let bounds = log.bounds(subject::EXECUTIONS).await?;
        let checkpoint = bounds.first_sequence.max(1) - 1;
        let mut rebuild = Self {
            config,
            log,
            progress,
            beside: Connection::open(&config.database, BESIDE).await?,
            store: Store::open(&config.database, BESIDE).await?,
            snippets: Snippets::open(&config.database, BESIDE).await?,
            batches: ReadAhead::start(tasks, log, checkpoint, config),
            checkpoint: 0,
        };
        rebuild.copy_gap(checkpoint + 1).await?;
        Ok(rebuild)
    }

    /// Folds the log up to `target`, which is in it or has been.
    async fn catch_up(&mut self, target: u64) -> Result<(), Error> {
        while self.checkpoint < target {
            match tokio::time::timeout(LOG_PATIENCE, self.batches.next()).await {
                Ok(events) => self.write(&events?).await?,
                Err(_) => self.skip_what_is_gone(target).await?,
            }
            self.progress.send_modify(|progress| {
                progress.target = progress.target.max(target);
                progress.folded = self.checkpoint;
            });
        }
        Ok(())
    }

    async fn write(&mut self, events: &[Recorded]) -> Result<(), Error> {
        // Those of a gap may come after all.
        let known = events.partition_point(|event| event.sequence <= self.checkpoint);
        let Some(first) = events.get(known) else {
            return Ok(());
        };
        self.copy_gap(first.sequence).await?;
        let events = &events[known..];
        let written = self.store.write(self.checkpoint, events).await?;
        self.checkpoint = written.checkpoint;
        self.progress
            .send_modify(|progress| progress.events += events.len() as u64);
        Ok(())
    }

    /// Events that left the log before the reader came to them will not come.
    async fn skip_what_is_gone(&mut self, target: u64) -> Result<(), Error> {
        let bounds = self.log.bounds(subject::EXECUTIONS).await?;
        if bounds.last_sequence < target {
            return Err(Error::LogIsShorter {
                last: bounds.last_sequence,
                target,
            });
        }
        if bounds.first_sequence > target {
            self.copy_gap(target + 1).await?;
        }
        Ok(())
    }

    /// Takes what stood between the checkpoint and `to` from the live tables.
    async fn copy_gap(&mut self, to: u64) -> Result<(), Error> {
        if to <= self.checkpoint + 1 {
            return Ok(());
        }
        let copied = copy::copy_gap(&mut self.beside, self.checkpoint, to).await?;
        self.checkpoint = to - 1;
        self.progress
            .send_modify(|progress| progress.copied += copied);
        Ok(())
    }

    /// The planner would know nothing of the new tables.
    async fn analyze(&self) -> Result<(), Error> {
        self.beside
            .batch_execute("ANALYZE executions, submissions, recordings, snippets")
            .await
            .map_err(Error::database("analyze the new tables"))
    }
}

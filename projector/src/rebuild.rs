//! Makes the read models again from the log, beside the live ones, and puts them in their place.
//!
//! What has left the log is copied from the live tables: executions whose submission is gone, with
//! all that belongs to them, and recordings whose output is gone. Nothing is interrupted: readers
//! see the old tables up to the swap and the new ones from then on, and an active projector goes
//! on with the new ones.

mod copy;
mod swap;

use std::time::Duration;

use runlog_nats::{Log, Recorded, Tail};
use runlog_schemas::subject;

use crate::archive::{Archiver, Stored, Table};
use crate::database::Connection;
use crate::migrate::migrate_schema;
use crate::store::Store;
use crate::{Config, Error, SCHEMA, migrate};

/// Where the new tables grow.
pub(crate) const BESIDE: &str = "runlog_rebuild";
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
    progress: impl FnMut(Progress) + Send,
) -> Result<Progress, Error> {
    migrate(&config.database).await?;
    let guard = Connection::open(&config.database, SCHEMA).await?;
    lock(&guard).await?;
    let done = rebuild_locked(config, log, &guard, progress).await;
    // The server may take a moment to notice that a connection is gone.
    let unlocked = guard
        .execute("SELECT pg_advisory_unlock($1)", &[&REBUILD_LOCK])
        .await;
    let done = done?;
    unlocked.map_err(Error::database("unlock the rebuild"))?;
    Ok(done)
}

async fn rebuild_locked(
    config: &Config,
    log: &Log,
    guard: &Connection,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Progress, Error> {
    prepare(guard, config).await?;
    let mut rebuild = Rebuild::open(config, log).await?;
    let target = log.last_sequence().await?;
    rebuild.catch_up(target, &mut progress).await?;
    rebuild.store_recordings(&mut progress).await?;
    rebuild.analyze().await?;
    swap::swap(&mut rebuild, &mut progress).await?;
    drop_schema(guard, PREVIOUS).await?;
    Ok(rebuild.done)
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
    drop_schema(guard, PREVIOUS).await?;
    drop_schema(guard, BESIDE).await?;
    let mut beside = Connection::open(&config.database, BESIDE).await?;
    migrate_schema(&mut beside, BESIDE).await
}

async fn drop_schema(connection: &Connection, schema: &str) -> Result<(), Error> {
    connection
        .batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))
        .await
        .map_err(Error::database("drop a schema"))
}

/// A rebuild under way.
struct Rebuild<'a> {
    config: &'a Config,
    log: &'a Log,
    /// A connection to the new tables, for everything but the fold.
    beside: Connection,
    store: Store,
    table: Table,
    tail: Tail,
    checkpoint: u64,
    /// Output before this sequence has left the log.
    first_output: u64,
    done: Progress,
}

impl<'a> Rebuild<'a> {
    async fn open(config: &'a Config, log: &'a Log) -> Result<Self, Error> {
        let address = &config.database;
        let mut beside = Connection::open(address, BESIDE).await?;
        let first = log.bounds(subject::EXECUTIONS).await?.first_sequence.max(1);
        let copied = copy::copy_gap(&mut beside, 0, first).await?;
        Ok(Self {
            config,
            log,
            beside,
            store: Store::open(address, BESIDE).await?,
            table: Table::open_beside(address, BESIDE).await?,
            tail: log.tail(first).await?,
            checkpoint: first - 1,
            first_output: log.bounds(subject::OUTPUT).await?.first_sequence,
            done: Progress {
                copied,
                ..Progress::default()
            },
        })
    }

    /// Folds the log up to `target`, which is in it or has been.
    async fn catch_up(
        &mut self,
        target: u64,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), Error> {
        self.done.target = self.done.target.max(target);
        while self.checkpoint < target {
            let batch = self.tail.next_batch(self.config.batch);
            match tokio::time::timeout(LOG_PATIENCE, batch).await {
                Ok(events) => self.write(&events?).await?,
                Err(_) => self.skip_what_is_gone(target).await?,
            }
            self.done.folded = self.checkpoint;
            progress(self.done);
        }
        Ok(())
    }

    async fn write(&mut self, events: &[Recorded]) -> Result<(), Error> {
        let Some(first) = events.first() else {
            return Ok(());
        };
        if first.sequence > self.checkpoint + 1 {
            self.copy_gap(first.sequence).await?;
        }
        let written = self.store.write(self.checkpoint, events).await?;
        self.checkpoint = written.checkpoint;
        self.done.events += events.len() as u64;
        Ok(())
    }

    /// Events that left the log before the tail came to them will not come.
    async fn skip_what_is_gone(&mut self, target: u64) -> Result<(), Error> {
        let first = self.log.bounds(subject::EXECUTIONS).await?.first_sequence;
        if first > target {
            self.copy_gap(target + 1).await?;
        }
        Ok(())
    }

    async fn copy_gap(&mut self, to: u64) -> Result<(), Error> {
        self.done.copied += copy::copy_gap(&mut self.beside, self.checkpoint, to).await?;
        self.checkpoint = to - 1;
        Ok(())
    }

    /// Stores recordings until none is left that can be stored.
    async fn store_recordings(&mut self, progress: &mut impl FnMut(Progress)) -> Result<(), Error> {
        let mut archiver = Archiver::new(self.log, &self.table, self.config.archive_bytes)
            .without_output_before(self.first_output);
        loop {
            let stored: Stored = archiver.store_some().await?;
            if stored.is_nothing() {
                return Ok(());
            }
            self.done.recordings += stored.complete;
            self.done.incomplete += stored.incomplete;
            progress(self.done);
        }
    }

    /// The planner would know nothing of the new tables.
    async fn analyze(&self) -> Result<(), Error> {
        self.beside
            .batch_execute("ANALYZE executions; ANALYZE submissions; ANALYZE recordings")
            .await
            .map_err(Error::database("analyze the new tables"))
    }
}

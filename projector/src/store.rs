//! The one transaction that moves the read models forward.

use std::collections::HashMap;

use postgres_types::{Json, ToSql};
use runlog_failpoint::{self as failpoint, Point};
use runlog_nats::Recorded;
use runlog_schemas::{Execution, ExecutionEvent, ExecutionId, encode_event};
use tokio_postgres::Statement;
use uuid::Uuid;

use crate::Error;
use crate::database::Connection;
use crate::plan::{Plan, plan};
use crate::row::{Columns, Row, UPSERT, bigint};

/// The row of `projector_checkpoints`.
pub(crate) const PROJECTOR: &str = "executions";

/// Held by the projector that is active.
const PROJECTOR_LOCK: i64 = 0x72_75_6e_6c_6f_67_02;

const ADVANCE: &str = "UPDATE projector_checkpoints SET last_sequence = $3
    WHERE projector = $1 AND last_sequence = $2";
const READ: &str = "SELECT id, first_sequence, last_sequence, execution FROM executions
    WHERE id = ANY($1)";
const SUBMISSIONS: &str = "INSERT INTO submissions (id, body)
    SELECT * FROM unnest($1::uuid[], $2::bytea[])
    ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body";
const FORGET: &str = "DELETE FROM recordings WHERE id = ANY($1)";
const DUE: &str = "INSERT INTO recordings_due (id)
    SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING";

/// A good ratio for text, at several times the speed that is needed.
pub(crate) const COMPRESSION_LEVEL: i32 = 3;

/// A connection with the statements of the fold. Of no use after an error: what the server did
/// last is then unknown, and its checkpoint must be read anew.
pub(crate) struct Store {
    connection: Connection,
    advance: Statement,
    read: Statement,
    upsert: Statement,
    submissions: Statement,
    due: Statement,
    forget: Statement,
    compressor: zstd::bulk::Compressor<'static>,
}

/// What a transaction did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// The checkpoint now.
    pub(crate) checkpoint: u64,
    /// How many events changed nothing.
    pub(crate) ignored: usize,
    /// Whether there are recordings to store.
    pub(crate) due: bool,
}

impl Store {
    /// Connects to tables that have been migrated.
    pub(crate) async fn open(address: &str, schema: &str) -> Result<Self, Error> {
        let connection = Connection::open(address, schema).await?;
        let prepare = async |sql| {
            let statement = connection.prepare(sql).await;
            statement.map_err(Error::database("prepare a statement"))
        };
        Ok(Self {
            advance: prepare(ADVANCE).await?,
            read: prepare(READ).await?,
            upsert: prepare(UPSERT).await?,
            submissions: prepare(SUBMISSIONS).await?,
            due: prepare(DUE).await?,
            forget: prepare(FORGET).await?,
            compressor: zstd::bulk::Compressor::new(COMPRESSION_LEVEL)
                .map_err(Error::Compression)?,
            connection,
        })
    }

    /// Tries to become the active projector, for as long as this connection lives.
    pub(crate) async fn try_lock(&self) -> Result<bool, Error> {
        let row = self
            .connection
            .query_one("SELECT pg_try_advisory_lock($1)", &[&PROJECTOR_LOCK])
            .await
            .map_err(Error::database("ask to be the active projector"))?;
        Ok(row.get(0))
    }

    /// Up to where the log has been folded.
    pub(crate) async fn checkpoint(&self) -> Result<u64, Error> {
        let row = self
            .connection
            .query_one(
                "SELECT last_sequence FROM projector_checkpoints WHERE projector = $1",
                &[&PROJECTOR],
            )
            .await
            .map_err(Error::database("read the checkpoint"))?;
        Ok(unsigned(row.get(0)))
    }

    /// Folds events that follow the checkpoint, all or none. Moving the checkpoint is also the
    /// lock on the rows: whoever finds it elsewhere writes nothing.
    pub(crate) async fn write(
        &mut self,
        checkpoint: u64,
        events: &[Recorded],
    ) -> Result<Written, Error> {
        let Some(last) = events.last() else {
            return Ok(Written::nothing(checkpoint));
        };
        let rows = self.begin(checkpoint, last.sequence, events).await?;
        let plan = plan(checkpoint, rows, events)?;
        self.commit(&plan).await?;
        Ok(Written {
            checkpoint: plan.to,
            ignored: plan.ignored,
            due: !plan.recordings.is_empty(),
        })
    }

    async fn begin(
        &self,
        from: u64,
        to: u64,
        events: &[Recorded],
    ) -> Result<HashMap<ExecutionId, Row>, Error> {
        let mut ids: Vec<Uuid> = events.iter().map(|event| event.id.as_uuid()).collect();
        ids.sort_unstable();
        ids.dedup();
        let (from_, to) = (bigint(from), bigint(to));
        let advance: [&(dyn ToSql + Sync); 3] = [&PROJECTOR, &from_, &to];
        let read: [&(dyn ToSql + Sync); 1] = [&ids];
        // Sent together, answered in order.
        let (begun, advanced, rows) = tokio::join!(
            biased;
            self.connection.batch_execute("BEGIN"),
            self.connection.execute(&self.advance, &advance),
            self.connection.query(&self.read, &read),
        );
        begun.map_err(Error::database("begin a transaction"))?;
        if advanced.map_err(Error::database("move the checkpoint"))? == 0 {
            return Err(Error::CheckpointMoved { expected: from });
        }
        rows.and_then(|rows| rows.iter().map(read_row).collect())
            .map_err(Error::database("read executions"))
    }

    async fn commit(&mut self, plan: &Plan<'_>) -> Result<(), Error> {
        let columns = Columns::of(&plan.rows);
        let (ids, bodies) = self.compress(&plan.submissions)?;
        let due: Vec<Uuid> = plan.recordings.iter().map(|id| id.as_uuid()).collect();
        let reborn: Vec<Uuid> = plan.reborn.iter().map(|id| id.as_uuid()).collect();
        let forget: [&(dyn ToSql + Sync); 1] = [&reborn];
        let upsert = columns.parameters();
        let insert: [&(dyn ToSql + Sync); 2] = [&ids, &bodies];
        let list: [&(dyn ToSql + Sync); 1] = [&due];
        failpoint::hit(Point::BatchBefore);
        let (rows, inserted, forgotten, due, committed) = tokio::join!(
            biased;
            self.insert(&self.upsert, columns.len(), &upsert),
            self.insert(&self.submissions, ids.len(), &insert),
            self.insert(&self.forget, reborn.len(), &forget),
            self.insert(&self.due, due.len(), &list),
            self.connection.batch_execute("COMMIT"),
        );
        // In this order: after a refused statement, COMMIT rolls back and says that all is well.
        rows.map_err(Error::database("write executions"))?;
        inserted.map_err(Error::database("write submissions"))?;
        forgotten.map_err(Error::database("forget recordings"))?;
        due.map_err(Error::database("write which recordings are due"))?;
        committed.map_err(Error::database("commit"))?;
        failpoint::hit(Point::BatchCommitted);
        Ok(())
    }

    async fn insert(
        &self,
        statement: &Statement,
        rows: usize,
        columns: &[&(dyn ToSql + Sync)],
    ) -> Result<(), tokio_postgres::Error> {
        if rows > 0 {
            self.connection.execute(statement, columns).await?;
        }
        Ok(())
    }

    fn compress(
        &mut self,
        submissions: &[(ExecutionId, &ExecutionEvent)],
    ) -> Result<(Vec<Uuid>, Vec<Vec<u8>>), Error> {
        let mut ids = Vec::with_capacity(submissions.len());
        let mut bodies = Vec::with_capacity(submissions.len());
        for (id, event) in submissions {
            let body = self.compressor.compress(&encode_event(event));
            ids.push(id.as_uuid());
            bodies.push(body.map_err(Error::Compression)?);
        }
        Ok((ids, bodies))
    }
}

impl Written {
    const fn nothing(checkpoint: u64) -> Self {
        Self {
            checkpoint,
            ignored: 0,
            due: false,
        }
    }
}

fn read_row(row: &tokio_postgres::Row) -> Result<(ExecutionId, Row), tokio_postgres::Error> {
    let Json(execution) = row.try_get::<_, Json<Execution>>(3)?;
    let id = ExecutionId::from_uuid(row.try_get(0)?);
    let row = Row {
        first_sequence: unsigned(row.try_get(1)?),
        last_sequence: unsigned(row.try_get(2)?),
        execution,
    };
    Ok((id, row))
}

/// Sequences are never negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests;

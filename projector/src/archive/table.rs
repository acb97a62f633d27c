//! The table `recordings`, and which executions it lacks.

use std::collections::HashSet;

use postgres_types::Json;
use runlog_schemas::{Execution, ExecutionId, OutputSummary};
use tokio_postgres::Statement;
use uuid::Uuid;

use super::Recording;
use crate::Error;
use crate::database::Connection;
use crate::row::bigint;

/// Held by whoever removes objects, and by whoever rebuilds.
pub(crate) const OBJECTS_LOCK: i64 = 0x72_75_6e_6c_6f_67_04;

/// Rows looked at at once.
const SOME: i64 = 4_096;

const PENDING: &str = "SELECT id, execution FROM recordings_due JOIN executions USING (id)
    WHERE id <> ALL($1) ORDER BY id LIMIT $2";

/// Stores recordings and takes them off the list, all or none. An incomplete one gives way to a
/// complete one and never the other way round.
const STORE: &str = "
    WITH stored AS (
        INSERT INTO recordings AS present (
            id, attempt, chunks, bytes, complete, problem, body, object)
        SELECT id, attempt, chunks, bytes, problem IS NULL, problem, body, object FROM unnest(
            $1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[],
            $7::text[]) AS given (id, attempt, chunks, bytes, problem, body, object)
        ON CONFLICT (id) DO UPDATE SET
            attempt = EXCLUDED.attempt,
            chunks = EXCLUDED.chunks,
            bytes = EXCLUDED.bytes,
            complete = EXCLUDED.complete,
            problem = EXCLUDED.problem,
            body = EXCLUDED.body,
            object = EXCLUDED.object
        WHERE EXCLUDED.complete AND NOT present.complete
    )
    DELETE FROM recordings_due WHERE id = ANY($1)";

/// For a rebuild: copies recordings from the live tables that are no worse than what the log still
/// has, and takes them off the list.
const COPY: &str = "
    WITH given AS (
        SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS given (id, chunks)
    ), copied AS (
        INSERT INTO recordings
        SELECT live.* FROM runlog.recordings live JOIN given USING (id)
        WHERE live.complete OR live.chunks >= given.chunks
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    DELETE FROM recordings_due USING copied WHERE recordings_due.id = copied.id
    RETURNING copied.id";

/// A connection with the statements of the archiver.
pub(crate) struct Table {
    connection: Connection,
    pending: Statement,
    store: Statement,
    copy: Option<Statement>,
}

/// An execution whose recording is still to be stored.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) id: ExecutionId,
    /// The attempt that ended it.
    pub(crate) attempt: u32,
    /// What its output comes to.
    pub(crate) output: OutputSummary,
}

impl Table {
    pub(crate) async fn open(address: &str, schema: &str) -> Result<Self, Error> {
        let connection = Connection::open(address, schema).await?;
        let prepare = async |sql| {
            let statement = connection.prepare(sql).await;
            statement.map_err(Error::database("prepare a statement"))
        };
        Ok(Self {
            pending: prepare(PENDING).await?,
            store: prepare(STORE).await?,
            copy: None,
            connection,
        })
    }

    /// The same beside the live tables, which are asked for what has left the log.
    pub(crate) async fn open_beside(address: &str, schema: &str) -> Result<Self, Error> {
        let mut table = Self::open(address, schema).await?;
        let copy = table.connection.prepare(COPY).await;
        table.copy = Some(copy.map_err(Error::database("prepare a statement"))?);
        Ok(table)
    }

    /// Some executions whose recording is still to be stored, the longest ended in front.
    pub(crate) async fn pending(&self, without: &[ExecutionId]) -> Result<Vec<Pending>, Error> {
        let without: Vec<Uuid> = without.iter().map(|id| id.as_uuid()).collect();
        let rows = self
            .connection
            .query(&self.pending, &[&without, &SOME])
            .await
            .map_err(Error::database("look for recordings to store"))?;
        rows.iter()
            .map(read_pending)
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()
            .map_err(Error::database("read executions"))
    }

    /// Copies recordings from the live tables unless those have fewer chunks than are given with
    /// each. Which ones were copied.
    pub(crate) async fn copy_from_live(
        &self,
        wanted: Vec<(ExecutionId, u64)>,
    ) -> Result<HashSet<ExecutionId>, Error> {
        let Some(copy) = self.copy.as_ref().filter(|_| !wanted.is_empty()) else {
            return Ok(HashSet::new());
        };
        let (ids, chunks): (Vec<Uuid>, Vec<i64>) = wanted
            .into_iter()
            .map(|(id, chunks)| (id.as_uuid(), bigint(chunks)))
            .unzip();
        let rows = self
            .connection
            .query(copy, &[&ids, &chunks])
            .await
            .map_err(Error::database("copy recordings"))?;
        Ok(rows
            .iter()
            .map(|row| ExecutionId::from_uuid(row.get(0)))
            .collect())
    }

    /// The objects that the recordings of these executions name.
    pub(crate) async fn objects(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, Error> {
        let sql = "SELECT id, object FROM recordings WHERE id = ANY($1) AND object IS NOT NULL";
        let rows = self.connection.query(sql, &[&ids]).await;
        let rows = rows.map_err(Error::database("look for objects"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Keeps rebuilds waiting; `false` where one is under way.
    pub(crate) async fn begin_cleaning(&self) -> Result<bool, Error> {
        let row = self
            .connection
            .query_one("SELECT pg_try_advisory_lock($1)", &[&OBJECTS_LOCK])
            .await
            .map_err(Error::database("lock the objects"))?;
        Ok(row.get(0))
    }

    /// Lets rebuilds go on.
    pub(crate) async fn end_cleaning(&self) -> Result<(), Error> {
        self.connection
            .execute("SELECT pg_advisory_unlock($1)", &[&OBJECTS_LOCK])
            .await
            .map(|_| ())
            .map_err(Error::database("unlock the objects"))
    }

    /// Stores recordings.
    pub(crate) async fn store(&self, recordings: &[(ExecutionId, Recording)]) -> Result<(), Error> {
        if recordings.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&Recording) -> i64| -> Vec<i64> {
            recordings.iter().map(|(_, it)| of(it)).collect()
        };
        let ids: Vec<Uuid> = recordings.iter().map(|(id, _)| id.as_uuid()).collect();
        let attempts: Vec<i32> = recordings
            .iter()
            .map(|(_, it)| i32::try_from(it.attempt).unwrap_or(i32::MAX))
            .collect();
        let chunks = column(|it| bigint(it.chunks));
        let bytes = column(|it| bigint(it.bytes));
        let problems: Vec<Option<&str>> = recordings
            .iter()
            .map(|(_, it)| it.problem.as_deref())
            .collect();
        let bodies: Vec<&[u8]> = recordings
            .iter()
            .map(|(_, it)| it.body.as_slice())
            .collect();
        let objects: Vec<Option<&str>> = recordings
            .iter()
            .map(|(_, it)| it.object.as_deref())
            .collect();
        self.connection
            .execute(
                &self.store,
                &[
                    &ids, &attempts, &chunks, &bytes, &problems, &bodies, &objects,
                ],
            )
            .await
            .map_err(Error::database("store recordings"))?;
        Ok(())
    }
}

fn read_pending(row: &tokio_postgres::Row) -> Result<Option<Pending>, tokio_postgres::Error> {
    let id = ExecutionId::from_uuid(row.try_get(0)?);
    let Json(execution) = row.try_get::<_, Json<Execution>>(1)?;
    let output = execution.end().and_then(|end| end.output.clone());
    Ok(execution
        .recorded_attempt()
        .zip(output)
        .map(|(attempt, output)| Pending {
            id,
            attempt,
            output,
        }))
}

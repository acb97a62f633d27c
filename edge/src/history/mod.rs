//! Reads the read models that the projector writes.
//!
//! Everything has a short time limit: a database that hangs must not take the edge with it.

mod filter;
mod snippet;

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Timeouts};
use runlog_schemas::{Execution, ExecutionEvent, ExecutionId, decode_event};
use tokio::time::timeout;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

pub(crate) use filter::{Filter, Place};

/// The largest submission that is unpacked.
const LARGEST_SUBMISSION: usize = 16 << 20;

/// How to reach the read models.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    /// The address of the database, for example `postgres://user:password@host/database`.
    pub database: String,
    /// The schema with the tables. Default `runlog`.
    pub schema: String,
    /// Connections at most. Default 8.
    pub connections: usize,
    /// Time that one question may take, with the way to the database. Default 3 s.
    pub timeout: Duration,
}

impl HistoryConfig {
    /// The usual settings.
    #[must_use]
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            schema: "runlog".to_owned(),
            connections: 8,
            timeout: Duration::from_secs(3),
        }
    }
}

/// Why the history did not answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The address of the database cannot be read.
    #[error("not the address of a database")]
    Address(#[source] tokio_postgres::Error),
    /// The database is away, too slow, or not yet set up.
    #[error("the history cannot be reached: {0}")]
    Unavailable(String),
    /// It holds something that cannot be.
    #[error("the history holds something unreadable about {about}: {message}")]
    Broken {
        /// The id of the execution or snippet.
        about: String,
        /// What is wrong.
        message: String,
    },
}

/// The history. Cheap to clone.
#[derive(Clone)]
pub struct History {
    pool: Pool,
    timeout: Duration,
}

/// An execution as the history has it.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    /// Its id.
    pub id: ExecutionId,
    /// The execution.
    pub execution: Execution,
    /// Sequence of the last event about it.
    pub last_sequence: u64,
}

/// A recording as the history has it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Whether it is all that the terminal event names.
    pub complete: bool,
    /// Where it stands.
    pub place: KeptIn,
}

/// Where a recording stands.
#[derive(Clone, Debug)]
pub(crate) enum KeptIn {
    /// In the table: zstd of JSON lines.
    Row(Vec<u8>),
    /// In the object store, under this name.
    Object(String),
}

impl History {
    /// Prepares connections; none is made yet.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn new(config: &HistoryConfig) -> Result<Self, HistoryError> {
        let mut postgres: tokio_postgres::Config =
            config.database.parse().map_err(HistoryError::Address)?;
        postgres
            .application_name("runlog-edge")
            .connect_timeout(config.timeout)
            .options(format!(
                "-c search_path={} -c statement_timeout={}",
                config.schema,
                config.timeout.as_millis()
            ));
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(postgres, NoTls, manager_config);
        let pool = Pool::builder(manager)
            .max_size(config.connections)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(config.timeout),
                create: Some(config.timeout),
                recycle: Some(config.timeout),
            })
            .build()
            .expect("a runtime is given, which is all that is checked");
        Ok(Self {
            pool,
            timeout: config.timeout,
        })
    }

    /// Whether the database answers and has the tables.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) async fn ping(&self) -> Result<(), HistoryError> {
        self.query("SELECT 1 FROM executions LIMIT 0", &[])
            .await
            .map(|_| ())
    }

    /// An execution.
    ///
    /// # Errors
    /// When the database does not answer, or has something unreadable.
    pub(crate) async fn find(&self, id: ExecutionId) -> Result<Option<Remembered>, HistoryError> {
        let sql = "SELECT id, execution, last_sequence FROM executions WHERE id = $1";
        let rows = self.query(sql, &[&id.as_uuid()]).await?;
        rows.first().map(remembered).transpose()
    }

    /// A page of executions, newest first.
    ///
    /// # Errors
    /// When the database does not answer, or has something unreadable.
    pub(crate) async fn page(
        &self,
        filter: &Filter,
        after: Option<Place>,
        limit: i64,
    ) -> Result<Vec<Remembered>, HistoryError> {
        let (sql, parameters) = filter.sql(after, limit);
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|it| it.as_ref() as _).collect();
        let rows = self.query(&sql, &parameters).await?;
        rows.iter().map(remembered).collect()
    }

    /// The recording of an execution that has ended, where it has been stored whole or in part.
    ///
    /// # Errors
    /// When the database does not answer, or has something unreadable.
    pub(crate) async fn recording(&self, id: ExecutionId) -> Result<Option<Kept>, HistoryError> {
        let sql = "SELECT body, object, complete FROM recordings WHERE id = $1";
        let rows = self.query(sql, &[&id.as_uuid()]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let object: Option<String> = get(row, 1, &id)?;
        Ok(Some(Kept {
            complete: get(row, 2, &id)?,
            place: match object {
                Some(name) => KeptIn::Object(name),
                None => KeptIn::Row(get(row, 0, &id)?),
            },
        }))
    }

    /// The event with which an execution was accepted.
    ///
    /// # Errors
    /// When the database does not answer, or has something unreadable.
    pub(crate) async fn submitted(
        &self,
        id: ExecutionId,
    ) -> Result<Option<ExecutionEvent>, HistoryError> {
        let sql = "SELECT body FROM submissions WHERE id = $1";
        let rows = self.query(sql, &[&id.as_uuid()]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let broken = |message: String| HistoryError::Broken {
            about: id.to_string(),
            message,
        };
        let event = unpack(get(row, 0, &id)?, LARGEST_SUBMISSION).map_err(broken)?;
        let event = decode_event(&event).map_err(|error| broken(error.to_string()))?;
        Ok(Some(event))
    }

    async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, HistoryError> {
        let unavailable = |error: &dyn std::error::Error| {
            let source = error.source().map(|source| format!(": {source}"));
            HistoryError::Unavailable(format!("{error}{}", source.unwrap_or_default()))
        };
        let client = self.pool.get().await.map_err(|error| unavailable(&error))?;
        let answered = timeout(self.timeout, async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, parameters).await
        });
        match answered.await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(unavailable(&error)),
            Err(_) => {
                // Whatever it still answers must not be taken for the answer to the next one.
                drop(Object::take(client));
                Err(HistoryError::Unavailable("no answer in time".to_owned()))
            }
        }
    }
}

fn remembered(row: &Row) -> Result<Remembered, HistoryError> {
    let id: Uuid = row
        .try_get(0)
        .map_err(|error| HistoryError::Unavailable(error.to_string()))?;
    let id = ExecutionId::from_uuid(id);
    let Json(execution) = get::<Json<Execution>>(row, 1, &id)?;
    let last_sequence: i64 = get(row, 2, &id)?;
    Ok(Remembered {
        id,
        execution,
        last_sequence: last_sequence.unsigned_abs(),
    })
}

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
    about: &impl std::fmt::Display,
) -> Result<T, HistoryError> {
    row.try_get(column).map_err(|error| HistoryError::Broken {
        about: about.to_string(),
        message: error.to_string(),
    })
}

fn unpack(packed: &[u8], largest: usize) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut unpacked = Vec::new();
    let decoder = zstd::Decoder::with_buffer(packed).map_err(|error| error.to_string())?;
    decoder
        .take(largest as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| error.to_string())?;
    if unpacked.len() > largest {
        return Err(format!("it has more than {largest} bytes"));
    }
    Ok(unpacked)
}

//! Keeps the programs that were shared, so that they outlive the stream `SNIPPETS`.
//!
//! A row has the sequence of its event, and rows are written in the order of the log: the greatest
//! sequence in the table is the checkpoint. Folding something twice changes nothing.

use std::convert::Infallible;
use std::sync::Arc;

use runlog_nats::{Log, ReadError, RecordedSnippet};
use runlog_schemas::{SnippetChange, encode_snippet, subject};
use tokio_postgres::Statement;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::Connection;
use crate::row::bigint;
use crate::run::{Pause, Shared, failed};
use crate::store::{COMPRESSION_LEVEL, unsigned};
use crate::{Error, SCHEMA};

const FOLDED: &str = "SELECT coalesce(max(sequence), 0) FROM snippets";
const STORE: &str = "INSERT INTO snippets (id, sequence, execution_id, body)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[])
    ON CONFLICT DO NOTHING";

/// Keeps what is shared until it is told to stop.
pub(crate) async fn snippets(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pause = Pause::new(&shared.config);
    loop {
        let error = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Err(error) = follow(&shared, &mut pause) => error,
        };
        if !failed(&shared, "snippets", &error, &mut pause, &stop).await {
            return;
        }
    }
}

async fn follow(shared: &Shared, pause: &mut Pause) -> Result<Infallible, Error> {
    let mut table = Snippets::open(&shared.config.database, SCHEMA).await?;
    loop {
        table.catch_up(&shared.log).await?;
        pause.reset();
        tokio::time::sleep(shared.config.snippet_interval).await;
    }
}

/// The sequence up to which snippets stand in the table.
pub(crate) async fn folded(connection: &Connection) -> Result<u64, Error> {
    let row = connection
        .query_one(FOLDED, &[])
        .await
        .map_err(Error::database("look how far snippets were folded"))?;
    Ok(unsigned(row.get(0)))
}

/// Checks that the log is the one from which the table was made.
pub(crate) async fn check_log(log: &Log, connection: &Connection) -> Result<(), Error> {
    let target = folded(connection).await?;
    let last = log.bounds(subject::SNIPPETS).await?.last_sequence;
    if last < target {
        return Err(Error::LogIsShorter { last, target });
    }
    Ok(())
}

/// The table `snippets` of one schema.
pub(crate) struct Snippets {
    connection: Connection,
    store: Statement,
    folded: u64,
}

impl Snippets {
    /// Connects to tables that have been migrated.
    pub(crate) async fn open(address: &str, schema: &str) -> Result<Self, Error> {
        let connection = Connection::open(address, schema).await?;
        let store = connection.prepare(STORE).await;
        Ok(Self {
            store: store.map_err(Error::database("prepare a statement"))?,
            folded: folded(&connection).await?,
            connection,
        })
    }

    /// Writes what the log has and the table has not.
    pub(crate) async fn catch_up(&mut self, log: &Log) -> Result<(), Error> {
        loop {
            let some = match log.read_snippets(self.folded).await {
                Ok(some) => some,
                Err(ReadError::ShorterThanRead { last, read }) => {
                    return Err(Error::LogIsShorter { last, target: read });
                }
                Err(error) => return Err(error.into()),
            };
            let Some(last) = some.last().map(|last| last.sequence) else {
                return Ok(());
            };
            self.store(&some).await?;
            self.folded = last;
        }
    }

    async fn store(&self, some: &[RecordedSnippet]) -> Result<(), Error> {
        let ids: Vec<Uuid> = some
            .iter()
            .map(|it| Uuid::from_u128(it.id.bits()))
            .collect();
        let sequences: Vec<i64> = some.iter().map(|it| bigint(it.sequence)).collect();
        let executions: Vec<Option<Uuid>> = some.iter().map(execution).collect();
        let bodies = some
            .iter()
            .map(|it| zstd::bulk::compress(&encode_snippet(&it.event), COMPRESSION_LEVEL))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::Compression)?;
        self.connection
            .execute(&self.store, &[&ids, &sequences, &executions, &bodies])
            .await
            .map_err(Error::database("write snippets"))?;
        Ok(())
    }
}

fn execution(recorded: &RecordedSnippet) -> Option<Uuid> {
    match &recorded.event.change {
        SnippetChange::Created { snippet } => snippet.run.map(|run| run.execution_id.as_uuid()),
    }
}

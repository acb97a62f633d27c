//! The read models, as they were at one moment.

use tokio_postgres::{Client, IsolationLevel, NoTls, Portal, Row, Transaction};

use crate::Error;
use crate::audit::Audit;
use crate::row::{COLUMNS, unsigned};

/// The schema of the read models.
const SCHEMA: &str = "runlog";

/// Rows fetched at once: small ones, and those with a whole recording each.
const SOME: i32 = 1_000;
const FEW: i32 = 16;

/// A connection to the database.
pub(crate) async fn connect(address: &str) -> Result<Client, Error> {
    let mut config: tokio_postgres::Config = address.parse().map_err(Error::Address)?;
    config.application_name("runlog-verify");
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(Error::database("connect to PostgreSQL"))?;
    let run = async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection ends with its client"
    )]
    tokio::spawn(run);
    Ok(client)
}

/// All tables at one moment: rows and checkpoint are of the same batch.
pub(crate) struct Tables<'a> {
    transaction: Transaction<'a>,
    /// Up to where the log has been folded.
    pub(crate) checkpoint: u64,
    executions: Portal,
    submissions: Portal,
    recordings: Portal,
    due: Portal,
    snippets: Portal,
}

impl<'a> Tables<'a> {
    pub(crate) async fn open(client: &'a mut Client) -> Result<Self, Error> {
        let open = async {
            let transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            let row = transaction
                .query_one(
                    &format!("SELECT last_sequence FROM {SCHEMA}.projector_checkpoints"),
                    &[],
                )
                .await?;
            // All at once: a rebuild that swaps the tables leaves these to us.
            let columns = COLUMNS.join(", ");
            let executions = format!("SELECT {columns} FROM {SCHEMA}.executions");
            let submissions = format!("SELECT id, body FROM {SCHEMA}.submissions");
            let recordings = format!(
                "SELECT id, attempt, chunks, bytes, complete, problem, body, object
                 FROM {SCHEMA}.recordings"
            );
            let due = format!("SELECT id FROM {SCHEMA}.recordings_due");
            let snippets =
                format!("SELECT id, sequence, execution_id, body FROM {SCHEMA}.snippets");
            Ok(Self {
                executions: transaction.bind(&executions, &[]).await?,
                submissions: transaction.bind(&submissions, &[]).await?,
                recordings: transaction.bind(&recordings, &[]).await?,
                due: transaction.bind(&due, &[]).await?,
                snippets: transaction.bind(&snippets, &[]).await?,
                checkpoint: unsigned(row.try_get(0)?),
                transaction,
            })
        };
        open.await.map_err(Error::database("open the read models"))
    }

    /// Compares every row of every table with the book.
    pub(crate) async fn check(&self, audit: &mut Audit<'_>) -> Result<(), Error> {
        self.each(&self.executions, SOME, audit, Audit::row).await?;
        self.each(&self.submissions, SOME, audit, Audit::submission)
            .await?;
        self.each(&self.due, SOME, audit, Audit::due).await?;
        self.each(&self.recordings, FEW, audit, Audit::recording)
            .await
    }

    /// The next rows of `snippets`; none at the end.
    pub(crate) async fn next_snippets(&self) -> Result<Vec<Row>, Error> {
        let rows = self.transaction.query_portal(&self.snippets, FEW).await;
        rows.map_err(Error::database("read the read models"))
    }

    async fn each<'b>(
        &self,
        portal: &Portal,
        at_once: i32,
        audit: &mut Audit<'b>,
        take: fn(&mut Audit<'b>, &Row) -> Result<(), tokio_postgres::Error>,
    ) -> Result<(), Error> {
        loop {
            let rows = self.transaction.query_portal(portal, at_once).await;
            let rows = rows.map_err(Error::database("read the read models"))?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                take(audit, row).map_err(Error::database("understand the read models"))?;
            }
        }
    }
}

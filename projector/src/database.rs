//! A connection to PostgreSQL that looks at one schema.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config, NoTls};
use tracing::Instrument as _;

use crate::Error;

/// How long PostgreSQL may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long the network may swallow what was sent before the connection counts as lost.
const SILENCE_PATIENCE: Duration = Duration::from_secs(30);

/// A connection. Names without a schema mean the schema that it was opened for.
pub(crate) struct Connection {
    client: Client,
    task: AbortHandle,
}

impl Connection {
    /// Connects. What is committed over this connection may be lost in a crash of PostgreSQL, the
    /// latest first and never in part: a checkpoint goes with the rows of its transaction.
    pub(crate) async fn open(address: &str, schema: &str) -> Result<Self, Error> {
        let mut config: Config = address.parse().map_err(Error::Address)?;
        config
            .application_name("runlog-projector")
            .connect_timeout(CONNECT_PATIENCE)
            .keepalives_idle(SILENCE_PATIENCE)
            .tcp_user_timeout(SILENCE_PATIENCE);
        let (client, connection) = config
            .connect(NoTls)
            .await
            .map_err(Error::database("connect"))?;
        let run = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the task ends with its connection, which aborts it"
        )]
        let task = tokio::spawn(run.in_current_span()).abort_handle();
        let connection = Self { client, task };
        connection
            .batch_execute(&format!(
                "SET search_path TO {schema}; SET synchronous_commit TO off"
            ))
            .await
            .map_err(Error::database("prepare a session"))?;
        Ok(connection)
    }
}

impl Drop for Connection {
    /// The task would otherwise wait for a server that does not answer.
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

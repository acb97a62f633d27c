//! The handle to the log.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use runlog_schemas::{Vocabulary, subject};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connect::LogConfig;
use crate::connection::ConnectionState;
use crate::elections::{ElectionListener, Elections};
use crate::request::RequestError;
use crate::room::Admission;

/// How often the connection is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// The log. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Log(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    client: Client,
    config: LogConfig,
    state: watch::Receiver<ConnectionState>,
    elections: Elections,
    pub(crate) admission: Admission,
}

impl Inner {
    pub(crate) fn new(
        client: Client,
        config: LogConfig,
        state: watch::Receiver<ConnectionState>,
        elections: Elections,
    ) -> Self {
        Self {
            client,
            config,
            state,
            elections,
            admission: Admission::default(),
        }
    }
}

/// The server that this client is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its cluster, where it is in one.
    pub cluster: Option<String>,
    /// The largest message that it takes, in bytes, headers included.
    pub max_payload: usize,
}

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Bounds {
    /// Sequence of the oldest message; one more than the last where there is none.
    #[serde(rename = "first_seq")]
    pub first_sequence: u64,
    /// Sequence of the newest message that there ever was.
    #[serde(rename = "last_seq")]
    pub last_sequence: u64,
    /// How many messages there are.
    pub messages: u64,
    /// What they take, in bytes.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct StreamInfo {
    state: Bounds,
}

impl Log {
    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn config(&self) -> &LogConfig {
        &self.0.config
    }

    /// Which events this reader knows.
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        self.0.config.vocabulary
    }

    pub(crate) fn elections(&self) -> ElectionListener {
        self.0.elections.listen()
    }

    /// The connection's state, to be watched.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.0.state.clone()
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.client.connection_state() == State::Connected
    }

    /// Returns when there is a connection.
    pub async fn connected(&self) {
        let mut state = self.state();
        while !self.is_connected() {
            // The client drops events when there are too many at once.
            let _ = timeout(LOOK, state.changed()).await;
        }
    }

    /// Asks the leader of [`subject::EXECUTIONS`] for an answer: the log can take work.
    ///
    /// # Errors
    /// When it does not answer, or the stream is not there.
    pub async fn ping(&self) -> Result<(), RequestError> {
        self.bounds(subject::EXECUTIONS).await.map(|_| ())
    }

    /// The server that this client is connected to.
    #[must_use]
    pub fn server(&self) -> Server {
        let info = self.0.client.server_info();
        Server {
            name: info.server_name,
            version: info.version,
            cluster: info.cluster,
            max_payload: info.max_payload,
        }
    }

    /// What a stream holds, as its leader knows it. Not for hot paths.
    ///
    /// # Errors
    /// When the log does not answer, or the stream is not there.
    pub async fn bounds(&self, stream: &str) -> Result<Bounds, RequestError> {
        let info: StreamInfo = self
            .read_api(stream, &format!("STREAM.INFO.{stream}"), &())
            .await?;
        Ok(info.state)
    }

    /// The newest sequence of [`subject::EXECUTIONS`], for a reader to see how far behind it is.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn last_sequence(&self) -> Result<u64, RequestError> {
        Ok(self.bounds(subject::EXECUTIONS).await?.last_sequence)
    }

    /// Hands what waits in this client to the network; for the end of a process.
    pub async fn flush(&self) {
        // Without a connection there is nobody to hand it to.
        if self.is_connected() && self.0.client.flush().await.is_err() {
            tracing::warn!("the client of the log ended before it was flushed");
        }
    }
}

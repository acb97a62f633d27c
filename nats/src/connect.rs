//! The way in: one connection, to a server that is new enough.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use runlog_schemas::Vocabulary;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::connection::Recorder;
use crate::elections::Elections;
use crate::log::{Inner, Log};
use crate::request::{RequestError, while_unavailable};

/// The oldest server that keeps our promises: older ones take new settings and ignore them.
pub const MINIMUM_SERVER: (u32, u32) = (2, 12);

/// The level of the `JetStream` API of [`MINIMUM_SERVER`].
pub const MINIMUM_API_LEVEL: u64 = 2;

/// Messages that one subscription may hold unread. Output comes in pieces of some 16 KiB, so a
/// viewer that stops reading costs 32 MiB at most before messages are dropped and read again.
const SUBSCRIPTION_CAPACITY: usize = 2_048;

/// Longest pause between two tries to connect again.
const RECONNECT_CAP: Duration = Duration::from_secs(2);

/// How long a cluster may take to have a leader: those who follow wait up to nine seconds for one
/// that is gone.
const ELECTION: Duration = Duration::from_secs(20);

/// How to reach the log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Addresses of the servers, separated by commas, for example `nats://127.0.0.1:4222`.
    pub url: String,
    /// The name under which the server lists this client.
    pub name: String,
    /// How long one request may go unanswered.
    pub request_timeout: Duration,
    /// How long an append whose answer is missing is followed up before it is called unknown.
    pub append_patience: Duration,
    /// How often a watch looks into the log although it hears nothing: in a cluster, a message may
    /// be lost between two servers without a sign.
    pub audit_every: Duration,
    /// Which events this reader knows. All, but for tests of what an older one does.
    pub vocabulary: Vocabulary,
}

impl LogConfig {
    /// The usual settings.
    #[must_use]
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: name.into(),
            request_timeout: Duration::from_secs(3),
            append_patience: Duration::from_secs(10),
            audit_every: Duration::from_secs(10),
            vocabulary: Vocabulary::default(),
        }
    }
}

/// Why there is no connection to the log.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be read.
    #[error("not the address of a NATS server; expected one such as nats://127.0.0.1:4222")]
    Address(#[source] std::io::Error),
    /// Nobody there, or we are not let in.
    #[error("cannot connect to NATS at {address}")]
    Unreachable {
        /// Host and port that were tried, without credentials.
        address: String,
        /// What the client says.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The server is too old.
    #[error(
        "nats-server {found} at {address} is too old: Runlog needs 2.12 or later (2.15 is better), since older ones ignore what the log relies on"
    )]
    TooOld {
        /// Its version, and its API level where it told one.
        found: String,
        /// Host and port, without credentials.
        address: String,
    },
    /// Whoever stores does not answer.
    #[error(
        "the NATS server at {address} stores nothing now: its cluster has no leader, or it was started without a `jetstream` section"
    )]
    Silent {
        /// Host and port, without credentials.
        address: String,
        /// What was waited for.
        #[source]
        source: RequestError,
    },
    /// The server does not store anything.
    #[error("the NATS server at {address} has no JetStream: start it with a `jetstream` section")]
    NoJetStream {
        /// Host and port, without credentials.
        address: String,
        /// What it answered.
        #[source]
        source: RequestError,
    },
}

impl Log {
    /// Connects, and refuses a server that is too old. Later losses of the connection mend
    /// themselves.
    ///
    /// # Errors
    /// When the server cannot be reached, is too old, or has no `JetStream`.
    pub async fn connect(config: &LogConfig) -> Result<Self, ConnectError> {
        let addresses: Vec<ServerAddr> = config
            .url
            .split(',')
            .map(|address| address.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(ConnectError::Address)?;
        let address = addresses
            .iter()
            .map(|address| format!("{}:{}", address.host(), address.port()))
            .collect::<Vec<_>>()
            .join(", ");
        let recorder = Recorder::new();
        let mut state = recorder.subscribe();
        let client = options(config, recorder)
            .connect(addresses)
            .await
            .map_err(|source| ConnectError::Unreachable {
                address: address.clone(),
                source,
            })?;
        // So that nobody takes the note of this connection for that of another one.
        let noted = state.wait_for(|state| state.generation > 0);
        let _ = timeout(config.request_timeout, noted).await;
        let elections = Elections::hear(&client).await.map_err(|error| {
            let source = RequestError::Unavailable(error.to_string());
            let address = address.clone();
            ConnectError::Silent { address, source }
        })?;
        let log = Self(Arc::new(Inner::new(
            client,
            config.clone(),
            state,
            elections,
        )));
        log.check_server(address).await?;
        Ok(log)
    }

    async fn check_server(&self, address: String) -> Result<(), ConnectError> {
        let found = self.client().server_info().version;
        if !new_enough(&found) {
            return Err(ConnectError::TooOld { found, address });
        }
        match self.account(Instant::now() + ELECTION).await {
            Ok(account) if account.api.level < MINIMUM_API_LEVEL => {
                let found = format!("{found} (API level {})", account.api.level);
                Err(ConnectError::TooOld { found, address })
            }
            Ok(_) => Ok(()),
            // Nobody there, which a cluster says too while it has no leader.
            Err(source @ RequestError::Unavailable(_)) => {
                Err(ConnectError::Silent { address, source })
            }
            Err(source) => Err(ConnectError::NoJetStream { address, source }),
        }
    }

    /// What the server says of what it stores. A cluster that elects its leader is waited for.
    async fn account(&self, until: Instant) -> Result<AccountInfo, RequestError> {
        while_unavailable(until, || self.api("INFO", &())).await
    }
}

#[derive(Deserialize)]
struct AccountInfo {
    api: ApiInfo,
}

#[derive(Deserialize)]
struct ApiInfo {
    #[serde(default)]
    level: u64,
}

fn options(config: &LogConfig, recorder: Recorder) -> ConnectOptions {
    ConnectOptions::new()
        .name(&config.name)
        .request_timeout(Some(config.request_timeout))
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        // A dead peer is noticed after two of these.
        .ping_interval(Duration::from_secs(5))
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            recorder.record(&event);
            std::future::ready(())
        })
}

/// Doubles from 10 ms, and spreads so that a fleet does not come back in one wave.
fn reconnect_delay(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(8);
    let longest = RECONNECT_CAP.min(Duration::from_millis(10) * 2_u32.pow(doublings));
    longest.mul_f64(0.5 + 0.5 * spread())
}

/// A number from 0 to 1 that differs between processes and calls.
fn spread() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= MINIMUM_SERVER,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for good in ["2.12.0", "2.15.1", "2.100.0", "3.0.0", "2.14.0-RC.1"] {
            assert!(new_enough(good), "{good}");
        }
        for bad in ["2.9.10", "2.11.99", "1.99.0", "", "x", "2"] {
            assert!(!new_enough(bad), "{bad}");
        }
    }

    #[test]
    fn pauses_grow_to_the_cap_and_differ() {
        for attempt in [0, 1, 2, 9, 10, 1_000_000, usize::MAX] {
            let delay = reconnect_delay(attempt);
            assert!(delay >= Duration::from_millis(5), "{delay:?}");
            assert!(delay <= RECONNECT_CAP, "{delay:?}");
        }
        assert!((0..20).any(|_| reconnect_delay(50) != reconnect_delay(50)));
    }
}

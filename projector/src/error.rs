//! What can go wrong.

use runlog_nats::{AppendError, ReadError, RequestError};

use crate::plan::OutOfOrder;

/// Why the projector stopped or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection string cannot be read.
    #[error("not a PostgreSQL connection string")]
    Address(#[source] tokio_postgres::Error),
    /// PostgreSQL is away or refused a statement.
    #[error("cannot {action} in PostgreSQL")]
    Database {
        /// What was being done.
        action: &'static str,
        /// What PostgreSQL or the connection to it said.
        source: tokio_postgres::Error,
    },
    /// The tables cannot be brought to the shape that this program needs.
    #[error("cannot migrate schema {schema}")]
    Migration {
        /// The schema.
        schema: String,
        /// What was refused.
        source: Box<refinery::Error>,
    },
    /// Another projector has written what was about to be written.
    #[error("another projector has moved the checkpoint away from {expected}")]
    CheckpointMoved {
        /// Where it was expected.
        expected: u64,
    },
    /// The log gave events twice or in the wrong order.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The log holds a message that this version does not understand, or is not the log that the
    /// read models were made from. Whoever goes on would write something wrong.
    #[error("the log cannot be folded any further")]
    Log(#[source] ReadError),
    /// The log was restored from before what the read models have seen.
    #[error("the log ends at {last}, and the read models have seen it up to {target}")]
    LogIsShorter {
        /// The last sequence of the log.
        last: u64,
        /// The last sequence that the read models have seen.
        target: u64,
    },
    /// The log does not answer.
    #[error("the log cannot be read")]
    LogUnavailable(#[from] RequestError),
    /// An event could not be added to the log.
    #[error("the log took no event")]
    Append(#[from] AppendError),
    /// A body could not be compressed or read.
    #[error("cannot compress")]
    Compression(#[source] std::io::Error),
    /// There can be one rebuild at a time.
    #[error("another rebuild is under way")]
    AnotherRebuild,
    /// The new tables would have an old shape.
    #[error("the live tables were migrated while they were being rebuilt; rebuild again")]
    MigratedMeanwhile,
    /// The metrics have been registered before.
    #[error("cannot register metrics")]
    Metrics(#[from] prometheus::Error),
}

impl Error {
    /// Names what was being done when PostgreSQL failed.
    pub(crate) fn database(action: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database { action, source }
    }

    /// Whether trying again can help. Where it cannot, somebody has to look.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Database { .. }
            | Self::CheckpointMoved { .. }
            | Self::OutOfOrder(_)
            | Self::LogUnavailable(_)
            | Self::Append(_) => true,
            Self::Migration { source, .. } => {
                matches!(source.kind(), refinery::error::Kind::Connection(..))
            }
            Self::Address(_)
            | Self::Log(_)
            | Self::Compression(_)
            | Self::AnotherRebuild
            | Self::LogIsShorter { .. }
            | Self::MigratedMeanwhile
            | Self::Metrics(_) => false,
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Request(error) => Self::LogUnavailable(error),
            ReadError::Unreadable { .. }
            | ReadError::UnknownSubject { .. }
            | ReadError::NotFound(_)
            | ReadError::ShorterThanRead { .. } => Self::Log(error),
        }
    }
}

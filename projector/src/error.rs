//! What can go wrong.

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
}

impl Error {
    /// Names what was being done when PostgreSQL failed.
    pub(crate) fn database(action: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database { action, source }
    }
}

//! Why nothing can be said.

use runlog_nats::{ReadError, RequestError};

/// Why the check could not be carried through. Damage is no error but a finding.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log does not answer.
    #[error("cannot ask the log")]
    Log(#[from] RequestError),
    /// An execution cannot be read again.
    #[error("cannot read an execution")]
    Read(#[from] ReadError),
    /// The address of the database cannot be read.
    #[error("not the address of a PostgreSQL database")]
    Address(#[source] tokio_postgres::Error),
    /// `PostgreSQL` does not answer, or its tables have another shape.
    #[error("cannot {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the client says.
        #[source]
        source: tokio_postgres::Error,
    },
}

impl Error {
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

/// An error with everything that led to it, in one line.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

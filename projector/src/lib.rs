//! Folds the log into the read models in PostgreSQL.
//!
//! Responsible for the tables of the history, submissions and recordings, for their migrations and
//! for making them again from the log. The only writer of those tables; never an authority: what
//! they say is what the log said.

mod database;
mod error;
mod migrate;

pub use error::Error;
pub use migrate::migrate;

/// The schema that the read models stand in.
pub const SCHEMA: &str = "runlog";

//! Folds the log into the read models in PostgreSQL.
//!
//! Responsible for the tables of the history, submissions, recordings and snippets, for their
//! migrations and for making them again from the log. The only writer of those tables; never an
//! authority: what they say is what the log said.

mod archive;
mod config;
mod database;
mod error;
mod expire;
mod follow;
mod letters;
mod metrics;
mod migrate;
mod plan;
mod read_ahead;
mod rebuild;
mod row;
mod run;
mod snippets;
mod store;
mod trim;

pub use config::Config;
pub use error::Error;
pub use migrate::migrate;
pub use plan::{OutOfOrder, Plan, plan};
pub use rebuild::{Progress, rebuild};
pub use row::Row;
pub use run::run;
pub use runlog_nats::Clock;

/// The schema that the read models stand in.
pub const SCHEMA: &str = "runlog";

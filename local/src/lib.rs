//! Starts a real nats-server, a real PostgreSQL and, for tests, a real Docker daemon as child
//! processes.
//!
//! Responsible for finding the binaries, choosing free ports, preparing the
//! data directories, waiting until a server answers, and making sure that no
//! server outlives this process, even when it is killed.
//! Never talks NATS or SQL, and never installs anything (`make setup` does).

mod cluster;
mod config;
mod docker;
mod error;
mod files;
mod nats;
mod port;
mod postgres;
mod process;
mod spawner;
mod testbed;
mod tools;

pub use cluster::NatsCluster;
pub use docker::Docker;
pub use error::Error;
pub use nats::{Nats, NatsConfig};
pub use postgres::{Durability, Postgres, PostgresConfig};
pub use testbed::Testbed;
pub use tools::{MINIMUM_NATS_VERSION, NatsVersion, Tools};

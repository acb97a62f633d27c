//! The crate against a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod append;
mod artifacts;
mod cluster;
mod connect;
mod control;
mod elections;
mod languages;
mod queue;
mod snippets;
mod streams;
mod support;
mod tail;
mod unclear;
mod viewer;
mod watch;

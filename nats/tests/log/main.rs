//! The crate against a real nats-server.

mod append;
mod support;

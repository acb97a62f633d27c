//! The projector against a real PostgreSQL and a real nats-server.

mod archiving;
mod bed;
mod expiry;
mod failures;
mod folding;
mod large;
mod letters;
mod rebuilding;
mod snippets;
mod stories;

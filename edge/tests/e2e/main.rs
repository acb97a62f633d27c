//! A real edge on a real listener, with a real log and a real database, and a worker that does
//! what the test says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod capacity;
mod dead_letters;
mod events;
mod faults;
mod files;
mod history;
mod idempotency;
mod large;
mod operations;
mod page;
mod random;
mod rerun;
mod script;
mod server;
mod snippets;
mod spec;
mod sse;
mod stage;
mod submit;
mod upgrade;
mod workers;
mod ws;

//! A whole Runlog: `runlog up` with real servers and real sandboxes, used through the command line
//! as a user would.
//!
//! The sandbox needs root; without it these tests say so and pass over.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test may panic and print"
)]

mod again;
mod bed;
mod cut;
mod docker;
mod fleet;
mod history;
mod input;
mod lost;
mod missing;
mod points;
mod restart;
mod run;
mod services;
mod share;
mod terminal;

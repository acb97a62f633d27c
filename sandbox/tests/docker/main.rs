//! The Docker engine, for real: a daemon of our own, and containers of it. Needs root.
//!
//! A daemon takes seconds to be ready, so each test here starts one for many tasks, and the
//! conformance suite is one test for each runtime, which names what has failed in it.

#![expect(
    clippy::print_stderr,
    reason = "one test runs many, and says which, and why none"
)]

mod attacks;
#[path = "../conformance/mod.rs"]
mod conformance;
#[expect(
    dead_code,
    reason = "not all of the harness makes sense for containers"
)]
#[path = "../corpus/mod.rs"]
mod corpus;
mod daemon;
mod machine;
mod proxy;
mod suite;

pub(crate) use daemon::Daemon;

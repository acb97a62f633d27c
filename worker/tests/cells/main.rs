//! The worker with the native engine: real programs in real cells. Needs root.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as loudly as the tests themselves"
)]

mod languages;
mod programs;
mod support;

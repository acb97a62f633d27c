//! The worker on a real log, with an engine that plays scripts.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as loudly as the tests themselves"
)]

mod control;
mod fencing;
mod life;
mod outcomes;
mod queue;
mod recording;
mod retry;
mod support;
mod upgrade;

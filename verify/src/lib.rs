//! Checks the log and the read models against what Runlog promises, and says what is wrong and
//! where.
//!
//! Responsible for the invariants: [`Lifecycle`] and [`Recording`] hold those of one execution,
//! without I/O, and [`verify()`] asks them of everything that is stored. It shares the meaning of an
//! event with everybody (`fold`), but no code with those who write: what a row must say is written
//! down here a second time, so that a mistake of the projector is a difference. Never changes
//! anything.

mod audit;
mod book;
mod compare;
mod dead;
mod digest;
mod error;
mod executions;
mod finding;
mod lifecycle;
mod output;
mod recording;
mod report;
mod row;
mod snippets;
mod stored;
mod tables;
mod verify;

pub use error::Error;
pub use finding::{Finding, Rule, Violation};
pub use lifecycle::Lifecycle;
pub use recording::Recording;
pub use report::{Checked, Range, Report};
pub use verify::{Options, verify};

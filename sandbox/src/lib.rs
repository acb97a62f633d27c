//! Runs untrusted programs: one trait, and engines that keep its promise.
//!
//! Responsible for isolation, limits, the standard streams and the measurements of one
//! single-use [`Cell`]. Never knows about the log, attempts, languages or outcomes: it is
//! told which command to run and reports how that command ended.

mod collect;
pub mod docker;
mod engine;
pub mod fake;
pub mod native;
pub(crate) mod pattern;

pub use collect::{Collect, CollectLimits, Collected, Left, LeftReason};
pub use engine::{
    Cause, Cell, CellFile, CellSpec, Engine, Error, Input, KillHandle, Output, OutputStream,
    Parked, Process, Step, StepEnd, StepLimits, Terminal, Usage, WarmStep, WindowSize,
};

//! The whole system in one thread, without a clock, a network or a disk: to break it in every way
//! there is.
//!
//! The parts that decide are the real ones: `fold`, `decide`, the worker's [`Attempt`], the
//! projector's `plan`, the viewers' `Timeline`. What lies between them (log, queue, tables,
//! network, processes) is modelled, one step at a time, and [`Op`] says which step comes next and
//! what goes wrong in it. [`play`] plays a list of them, lets everything come to rest without
//! faults, and checks what was promised. [`MemoryLog`] answers to the same conformance suite as
//! the real log.
//!
//! A fault that is no failure: a submission whose answer was lost may or may not be in the log; a
//! run that nobody lets go on for the time of a lease is run again, three times at most; a viewer
//! may be shown the output of an attempt that then comes to nothing.
//!
//! [`Attempt`]: runlog_worker::machine::Attempt

mod append;
mod attempt;
mod check;
mod edge;
mod generate;
mod log;
mod op;
mod program;
mod projector;
mod queue;
mod run;
mod viewer;
mod worker;
mod world;

pub use append::Append;
pub use generate::{histories, shrink};
pub use log::{Conflict, MemoryLog};
pub use op::{Fault, Op, Sabotage};
pub use queue::Delivered;
pub use world::{Failed, play, play_sabotaged};

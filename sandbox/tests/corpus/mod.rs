//! The corpus of attacks: entries as data under `attacks/`, and the harness that runs them
//! against any engine.
//!
//! An engine's test program makes a [`Ground`] and calls [`trial::hold`]. Each entry is run alone
//! or several at once, beside a metronome that does what any program does; afterwards the
//! verdicts, the output and the machine are judged. Whatever is not as promised is a breach, a
//! sentence that says what.

pub(crate) mod canaries;
pub(crate) mod case;
pub(crate) mod cells;
pub(crate) mod ground;
mod judge;
pub(crate) mod machine;
mod metronome;
pub(crate) mod programs;
pub(crate) mod run;
pub(crate) mod trial;
pub(crate) mod warm;

pub(crate) use case::Case;
pub(crate) use ground::{Ground, Site};

//! The commands, one file for each: its arguments, its help and what it does.

pub(crate) mod cancel;
mod check;
pub(crate) mod completions;
pub(crate) mod dlq;
pub(crate) mod edge;
pub(crate) mod history;
pub(crate) mod languages;
mod program;
pub(crate) mod projector;
pub(crate) mod replay;
pub(crate) mod rerun;
pub(crate) mod run;
pub(crate) mod share;
pub(crate) mod show;
pub(crate) mod streams;
pub(crate) mod submit;
pub(crate) mod up;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod worker;
pub(crate) mod workers;

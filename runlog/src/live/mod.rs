//! Watching an execution and taking part in it, from a terminal or a pipe.

mod display;
mod feed;
mod input;
mod part;
mod take_part;
mod terminal;

pub(crate) use display::show;
pub(crate) use input::{Source, source};
pub(crate) use take_part::{Ties, take_part};
pub(crate) use terminal::{size, stdin_is_terminal, stdout_is_terminal};

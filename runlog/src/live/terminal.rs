//! The terminal that we stand on.

use std::io::{IsTerminal as _, stdin, stdout};

use crossterm::terminal;
use runlog_schemas::TerminalSize;

pub(crate) fn stdin_is_terminal() -> bool {
    stdin().is_terminal()
}

pub(crate) fn stdout_is_terminal() -> bool {
    stdout().is_terminal()
}

/// Its size, within what an edge accepts; 80 by 24 where it does not say.
pub(crate) fn size() -> TerminalSize {
    let (columns, rows) = terminal::size().unwrap_or((80, 24));
    TerminalSize {
        columns: columns.clamp(1, 1_000),
        rows: rows.clamp(1, 1_000),
    }
}

/// Keeps the terminal raw while it lives: every key goes to the program as it is typed, and the
/// program alone decides what is shown.
pub(super) struct Raw(());

impl Raw {
    pub(super) fn enter() -> std::io::Result<Self> {
        terminal::enable_raw_mode()?;
        Ok(Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that went away needs no mode.
        terminal::disable_raw_mode().ok();
    }
}

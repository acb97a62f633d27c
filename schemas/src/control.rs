//! What viewers say to a running program, on core NATS, subject `control.{id}`.
//!
//! A request is answered by the worker that runs the execution, and by nobody when none does. It
//! is no fact: what was applied is recorded as a chunk of the output.

use serde::{Deserialize, Serialize};

use crate::{Data, TerminalSize};

/// A request to the worker that runs an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ControlRequest {
    /// Hand bytes to the program's standard input or terminal.
    Stdin {
        /// The bytes.
        data: Data,
    },
    /// End standard input; on a terminal, type its end-of-file character.
    Eof,
    /// Change the terminal's size.
    Resize {
        /// The new size.
        size: TerminalSize,
    },
    /// Send a signal to the program.
    Signal {
        /// Its number, 1 to 64.
        signal: i32,
    },
    /// Look at the log: the end of this execution was asked for.
    Cancel,
    /// Say so if this attempt runs there. Whoever runs another one stays silent.
    Alive {
        /// Which attempt.
        attempt: u32,
    },
}

/// The worker's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ControlReply {
    /// Done, or on its way to the program.
    Applied,
    /// Not done.
    Refused {
        /// Why.
        reason: ControlRefusal,
    },
}

/// Why a control request was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ControlRefusal {
    /// The program does not run yet; its compiler does, or its sandbox is being made.
    #[error("the program does not run yet")]
    NotRunningYet,
    /// Standard input was ended, or was never open for viewers.
    #[error("standard input is closed")]
    InputClosed,
    /// The program does not read, and its input buffer is full.
    #[error("the program does not read its input")]
    InputFull,
    /// It has no terminal.
    #[error("the execution has no terminal")]
    NoTerminal,
    /// It has ended.
    #[error("the execution has ended")]
    Ended,
}

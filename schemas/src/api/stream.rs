//! What passes between a viewer and an edge while a program runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Data, OutputBatch, TerminalSize};

/// What a viewer says on the WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ViewerRequest {
    /// Hand bytes to the program: `{"type":"stdin","data":{"text":"hi\n"}}`.
    Stdin {
        /// The bytes.
        data: Data,
    },
    /// End standard input.
    Eof {},
    /// Change the terminal's size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// Send a signal, by name (`INT`, `SIGTERM`) or number.
    Signal {
        /// The signal.
        signal: String,
    },
    /// End the execution.
    Cancel {},
}

/// What an edge says to a viewer: over the WebSocket as text messages, over SSE with `type` as
/// the event's name, `cursor` as its id and the whole as its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ViewerMessage {
    /// A change of state.
    Event {
        /// Where to resume behind this.
        cursor: String,
        /// When it was written, in milliseconds since 1970.
        at_ms: u64,
        /// The execution as it is now.
        execution: Box<super::ExecutionView>,
        /// The event's name: `submitted`, `started`, `retried`, `cancel_requested`, `cancelled`,
        /// `finished`, `expired` or `dead`. After a `started` or a `retried`, output that was shown
        /// before no longer counts.
        name: String,
    },
    /// Output, input and phases, in order.
    Output {
        /// Where to resume behind this.
        cursor: String,
        /// What happened.
        #[serde(flatten)]
        batch: OutputBatch,
    },
    /// A request of this viewer was not applied; the socket stays open.
    Error {
        /// A stable name, for example `ended` or `no_terminal`.
        code: String,
        /// A sentence.
        message: String,
    },
    /// This viewer reads too slowly or the edge is closing: connect again and resume at `cursor`.
    Resume {
        /// Where to resume.
        cursor: String,
    },
}

impl ViewerRequest {
    /// The size, where a new one is asked for.
    #[must_use]
    pub const fn size(&self) -> Option<TerminalSize> {
        match self {
            Self::Resize { columns, rows } => Some(TerminalSize {
                columns: *columns,
                rows: *rows,
            }),
            Self::Stdin { .. } | Self::Eof {} | Self::Signal { .. } | Self::Cancel {} => None,
        }
    }
}

//! How events stand in the log: JSON with a version in front.
//!
//! `{"v":1,"at_ms":1732165200000,"type":"started","attempt":1,"worker":"w1"}`. A reader that
//! meets a version or a type that it does not know stops; it never skips. New fields may be added
//! to a version only where older readers may ignore them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{ExecutionEvent, OutputBatch, SnippetEvent};

/// The version that this code writes.
pub const VERSION: u32 = 1;

/// Why a message of the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Written by a newer Runlog.
    #[error("version {found} of the wire format is unknown; this reader knows up to {VERSION}")]
    UnknownVersion {
        /// The version found.
        found: u32,
    },
    /// Written by a newer Runlog: it has a type that this one does not know.
    #[error("it has a type that this reader does not know")]
    UnknownType(#[source] serde_json::Error),
    /// Neither what this code writes nor what an older one wrote.
    #[error("not an event of version {VERSION}")]
    Malformed(#[source] serde_json::Error),
}

impl WireError {
    /// Whether a newer Runlog wrote it, which can read it.
    #[must_use]
    pub const fn is_newer(&self) -> bool {
        matches!(self, Self::UnknownVersion { .. } | Self::UnknownType(_))
    }

    fn of(error: serde_json::Error) -> Self {
        // The only sign that serde gives of it.
        if error.is_data() && error.to_string().starts_with("unknown variant") {
            Self::UnknownType(error)
        } else {
            Self::Malformed(error)
        }
    }
}

/// Which events a reader knows: all that this code knows, or those of one that is older.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    without: Option<&'static str>,
}

impl Vocabulary {
    /// That of a Runlog from before the events of this name. What it meets of them it refuses as
    /// any reader refuses what it does not know.
    #[must_use]
    pub const fn before(event: &'static str) -> Self {
        Self {
            without: Some(event),
        }
    }

    /// Reads an event.
    ///
    /// # Errors
    /// As [`decode_event`], and when the reader does not know it.
    pub fn decode_event(self, bytes: &[u8]) -> Result<ExecutionEvent, WireError> {
        let event: ExecutionEvent = decode(bytes)?;
        match self.without {
            Some(unknown) if event.change.name() == unknown => {
                let error = <serde_json::Error as serde::de::Error>::unknown_variant(unknown, &[]);
                Err(WireError::of(error))
            }
            _ => Ok(event),
        }
    }
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// An event as it stands in the log.
#[must_use]
pub fn encode_event(event: &ExecutionEvent) -> Vec<u8> {
    encode(event)
}

/// Reads an event.
///
/// # Errors
/// When the version or the type is unknown, or the text is not one of ours.
pub fn decode_event(bytes: &[u8]) -> Result<ExecutionEvent, WireError> {
    Vocabulary::default().decode_event(bytes)
}

/// A message of the stream of recordings.
#[must_use]
pub fn encode_output(batch: &OutputBatch) -> Vec<u8> {
    encode(batch)
}

/// Reads a message of the stream of recordings.
///
/// # Errors
/// When the version or a chunk's kind is unknown, or the text is not one of ours.
pub fn decode_output(bytes: &[u8]) -> Result<OutputBatch, WireError> {
    decode(bytes)
}

/// A snippet's event as it stands in the log.
#[must_use]
pub fn encode_snippet(event: &SnippetEvent) -> Vec<u8> {
    encode(event)
}

/// Reads a snippet's event.
///
/// # Errors
/// When the version or the type is unknown, or the text is not one of ours.
pub fn decode_snippet(bytes: &[u8]) -> Result<SnippetEvent, WireError> {
    decode(bytes)
}

fn encode<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(&Envelope { v: VERSION, body })
        .expect("our types have string keys only, so they always serialise")
}

/// How [`encode`] begins: then the version need not be looked for.
const USUAL_BEGINNING: &[u8] = b"{\"v\":1,";

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    if !bytes.starts_with(USUAL_BEGINNING) {
        let Version { v: found } = serde_json::from_slice(bytes).map_err(WireError::Malformed)?;
        if found != VERSION {
            return Err(WireError::UnknownVersion { found });
        }
    }
    serde_json::from_slice(bytes).map_err(WireError::of)
}

//! The recording: what a program wrote and what was typed, as it stands in the log.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::{Data, LeftFile, Phase, TerminalSize};

/// One message on `output.{id}`: chunks that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputBatch {
    /// The attempt that wrote it, from 1.
    pub attempt: u32,
    /// The chunks, at least one, with consecutive numbers.
    pub chunks: Vec<Chunk>,
}

/// One thing that happened while a program ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chunk {
    /// Its place in the attempt: 0, 1, 2 and so on without gaps.
    pub number: u64,
    /// Time since the start of the attempt, in microseconds.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: ChunkKind,
}

/// What a [`Chunk`] records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChunkKind {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// Bytes that the compiler wrote, on either stream.
    Compiler {
        /// The bytes.
        data: Data,
    },
    /// Bytes that the program wrote on standard output, or on its terminal.
    Stdout {
        /// The bytes.
        data: Data,
    },
    /// Bytes that the program wrote on standard error.
    Stderr {
        /// The bytes.
        data: Data,
    },
    /// Bytes that a viewer typed, when they were handed to the program.
    Input {
        /// The bytes.
        data: Data,
    },
    /// Standard input was ended.
    Eof,
    /// The terminal got another size.
    Resize {
        /// The new size.
        #[serde(flatten)]
        size: TerminalSize,
    },
    /// A viewer sent a signal.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// The output limit was met: what the program wrote from here on is not kept.
    Cut,
    /// A file that the program left and that is given back. Its bytes follow.
    File {
        /// Its path below the working directory.
        name: String,
        /// How many bytes follow.
        bytes: u64,
        /// SHA-256 of those bytes, in hex.
        sha256: String,
    },
    /// The next bytes of the file before. Viewers and readers of recordings get it without them:
    /// files have addresses of their own.
    FileData {
        /// The bytes.
        data: Data,
    },
    /// What was to be given back and is not.
    FilesLeft {
        /// The first of it.
        left: Vec<LeftFile>,
        /// How much it is in all.
        count: u64,
    },
}

impl ChunkKind {
    /// Takes away the bytes of files, which are not for everybody who watches.
    pub fn without_file_data(&mut self) {
        if let Self::FileData { data } = self {
            *data = Data::default();
        }
    }

    /// The bytes and their stream, where the chunk is output.
    #[must_use]
    pub fn output(&self) -> Option<(OutputStream, &[u8])> {
        match self {
            Self::Compiler { data } => Some((OutputStream::Compiler, &data.0)),
            Self::Stdout { data } => Some((OutputStream::Stdout, &data.0)),
            Self::Stderr { data } => Some((OutputStream::Stderr, &data.0)),
            Self::Phase { .. }
            | Self::Input { .. }
            | Self::Eof
            | Self::Resize { .. }
            | Self::Signal { .. }
            | Self::Cut
            | Self::File { .. }
            | Self::FileData { .. }
            | Self::FilesLeft { .. } => None,
        }
    }
}

/// A stream that the recording keeps bytes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// What the compiler wrote.
    Compiler,
    /// What the program wrote on standard output, or on its terminal.
    Stdout,
    /// What the program wrote on standard error.
    Stderr,
}

/// What the whole output of an attempt must come to; part of the terminal event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputSummary {
    /// Sequence, in the stream `OUTPUT`, of the attempt's last message; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sequence: Option<u64>,
    /// How many chunks the attempt has.
    pub chunks: u64,
    /// What the compiler wrote.
    pub compiler: StreamSummary,
    /// What the program wrote on standard output, or on its terminal.
    pub stdout: StreamSummary,
    /// What the program wrote on standard error.
    pub stderr: StreamSummary,
    /// Whether output was cut off at the limit.
    pub cut: bool,
}

/// Length and hash of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamSummary {
    /// Bytes kept.
    pub bytes: u64,
    /// SHA-256 of the bytes kept, in hex.
    pub sha256: String,
}

impl Default for StreamSummary {
    fn default() -> Self {
        OutputDigest::default().finish(None).stdout
    }
}

/// Adds up the chunks of an attempt to its [`OutputSummary`].
#[derive(Clone, Debug, Default)]
pub struct OutputDigest {
    chunks: u64,
    cut: bool,
    compiler: StreamDigest,
    stdout: StreamDigest,
    stderr: StreamDigest,
}

#[derive(Clone, Debug, Default)]
struct StreamDigest {
    bytes: u64,
    hash: Sha256,
}

impl OutputDigest {
    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &Chunk) {
        self.chunks += 1;
        self.cut |= chunk.what == ChunkKind::Cut;
        if let Some((stream, bytes)) = chunk.what.output() {
            let digest = match stream {
                OutputStream::Compiler => &mut self.compiler,
                OutputStream::Stdout => &mut self.stdout,
                OutputStream::Stderr => &mut self.stderr,
            };
            digest.bytes += bytes.len() as u64;
            digest.hash.update(bytes);
        }
    }

    /// The sum. `last_sequence` is the sequence of the message with the last chunk.
    #[must_use]
    pub fn finish(self, last_sequence: Option<u64>) -> OutputSummary {
        OutputSummary {
            last_sequence,
            chunks: self.chunks,
            compiler: self.compiler.finish(),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            cut: self.cut,
        }
    }
}

impl StreamDigest {
    fn finish(self) -> StreamSummary {
        StreamSummary {
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

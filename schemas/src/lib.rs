//! The language of the log: events, commands, subjects, the wire format, and what they add up to.
//!
//! Responsible for what every reader and writer of the log must agree on. Never does I/O, never
//! reads a clock: the same events always fold to the same execution.

pub mod api;
pub mod control;
mod data;
mod decide;
mod event;
mod execution;
mod files;
mod id;
mod idempotency;
mod language;
mod limits;
mod outcome;
mod output;
mod snippet;
pub mod subject;
mod submission;
mod timeline;
mod wire;
mod worker;

pub use data::Data;
pub use decide::{Command, Refusal, decide, retry_delay_ms};
pub use event::{Change, ExecutionEvent};
pub use execution::{Attempt, End, Execution, MAX_ATTEMPTS, State, fold};
pub use files::{
    DEEPEST_OUTPUT_FILE, LONGEST_OUTPUT_PATH, LeftBecause, LeftFile, MOST_OUTPUT_BYTES,
    MOST_OUTPUT_FILES, MOST_OUTPUT_PATHS, file_chunks, output_path_problem,
};
pub use id::{ExecutionId, MalformedId};
pub use idempotency::{KeyScope, request_digest};
pub use language::{
    COMPILE_LIMITS, Catalog, CompileStep, CompilerOptions, HostPath, LanguageDefinition,
    LanguageError, OptionRefusal, ParkedRange, Program, RunStep, SelfTest, Toolchain,
    ToolchainMount, VersionProbe, WarmCommand, WarmHost, WarmWay, WarmWords,
};
pub use limits::{LimitRange, Limits};
pub use outcome::{Clock, Measurements, Outcome, Phase};
pub use output::{
    Chunk, ChunkKind, OutputBatch, OutputDigest, OutputStream, OutputSummary, StreamSummary,
};
pub use snippet::{
    MalformedSnippetId, Snippet, SnippetChange, SnippetEvent, SnippetId, SnippetRun,
};
pub use submission::{
    Origin, Priority, Repeats, SourceFile, Submission, TerminalSize, UnknownPriority,
};
pub use timeline::{Cursor, Item, MalformedCursor, Shown, Timeline};
pub use wire::{
    VERSION, Vocabulary, WireError, decode_event, decode_output, decode_snippet, encode_event,
    encode_output, encode_snippet,
};
pub use worker::{ParkedCells, WorkerLanguage, WorkerReport};

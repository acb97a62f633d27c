//! What a sender says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Data, Priority, TerminalSize};

/// A program to run. Only `language` and `files` (or `source`) are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRequest {
    /// Id or alias of a language, as `GET /v1/languages` lists them.
    pub language: String,
    /// The files, with distinct names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileRequest>,
    /// Short for one file with the language's usual name; not together with `files`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The file to start with. Without it: the only file, or the one with the language's usual
    /// name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Arguments for the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables added to the program's environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Options for the compiler, each one that the language allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compiler_options: Vec<String>,
    /// Standard input, as text. For other bytes use `stdin_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Standard input, as bytes; not together with `stdin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_data: Option<Data>,
    /// Keep standard input open for what is typed over the WebSocket.
    #[serde(default)]
    pub interactive: bool,
    /// Run on a terminal of that size instead of pipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// Files to give back: paths below the working directory, at most 32; a folder stands for all
    /// files in it, `.` for everything. In the last part of a path `*` stands for any characters and
    /// `?` for one, as in `plots/*.png`, unless there is something of that very name. At most 64
    /// files with 8 MiB are given back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_files: Vec<String>,
    /// What the run may use; a limit that is left out has its default.
    #[serde(default)]
    pub limits: LimitsRequest,
    /// The queue to wait in.
    #[serde(default)]
    pub priority: Priority,
    /// How long it may wait there, in milliseconds, 1,000 to 86,400,000. Without it: one minute
    /// for `interactive`, ten for `api`, a day for `background`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_limit_ms: Option<u64>,
    /// A name by which to find it in the history: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRequest {
    /// A plain name without `/`, at most 255 bytes.
    pub name: String,
    /// The content, as text. For other bytes use `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The content, as bytes; not together with `content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
}

/// Limits that differ from the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsRequest {
    /// Time on the wall, in milliseconds: 100 to 60,000, default 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// CPU time, in milliseconds: 100 to 60,000, default 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Memory, in MiB: 32 to 2,048, default 256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// Processes and threads: 1 to 256, default 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Size of a file, in MiB: 1 to 512, default 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_mb: Option<u64>,
    /// Everything written to disk, in MiB: 1 to 512, default 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_mb: Option<u64>,
    /// Output, in KiB: 1 to 16,384, default 1,024.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_kb: Option<u64>,
}

/// How to run an execution again. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RerunRequest {
    /// On another toolchain: `LANGUAGE@VERSION` with a version that a worker has, as
    /// `GET /v1/workers` lists them, or `LANGUAGE` in whatever version. Without it: the same
    /// language, and the same version where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The queue to wait in. Without it: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The session that the new execution belongs to. Without it: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// Several programs at once, at most 1,000.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The programs. Each is accepted or refused by itself.
    pub executions: Vec<SubmitRequest>,
}

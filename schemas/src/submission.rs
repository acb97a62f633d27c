//! What somebody asked to be run.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Data, ExecutionId, Limits};

/// A program and how to run it, complete and checked: everything that a worker needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Id of the language definition, for example `python`.
    pub language: String,
    /// Which queue it waits in.
    pub priority: Priority,
    /// The files, at least one, with distinct names.
    pub files: Vec<SourceFile>,
    /// The name of the file to start with; one of `files`.
    pub entry: String,
    /// Arguments for the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables added to the program's environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Options for the compiler, each allowed by the language definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compiler_options: Vec<String>,
    /// What stands on standard input at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Data>,
    /// Whether standard input stays open after `stdin` for what a viewer types.
    #[serde(default)]
    pub interactive: bool,
    /// A terminal of that size instead of pipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// Files that are given back: paths below the working directory; a folder stands for all files
    /// in it, and a last part with `*` or `?` for all that fit it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_files: Vec<String>,
    /// What the run may use.
    pub limits: Limits,
    /// How long it may wait in the queue, in milliseconds, before it expires.
    pub queue_limit_ms: u64,
    /// A name by which its sender finds it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// SHA-256, in hex, of the request that came with an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<String>,
    /// The exact version of the language's toolchain that must run it, as workers report it; any
    /// where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain_version: Option<String>,
    /// The execution that this one does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
}

/// Which execution is done again, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Repeats {
    /// Somebody wants to see it again, perhaps elsewhere.
    Rerun {
        /// The one that is done again.
        of: ExecutionId,
    },
    /// It was a dead letter.
    Redrive {
        /// The one that was given up.
        of: ExecutionId,
    },
}

/// One file of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceFile {
    /// A plain name without `/`, at most 255 bytes.
    pub name: String,
    /// The content, byte for byte.
    pub content: Data,
}

/// A terminal's size in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminalSize {
    /// Columns, 1 to 1000.
    pub columns: u16,
    /// Rows, 1 to 1000.
    pub rows: u16,
}

/// Which of a language's three queues a submission waits in. A higher one is always served first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Nobody waits for it.
    Background,
    /// A program waits for it.
    #[default]
    Api,
    /// Somebody looks at it.
    Interactive,
}

impl Priority {
    /// All, the one that is served first in front.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Api, Self::Background];

    /// The name in subjects, JSON and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Api => "api",
            Self::Background => "background",
        }
    }

    /// How long a submission may wait when it does not say, in milliseconds.
    #[must_use]
    pub const fn default_queue_limit_ms(self) -> u64 {
        match self {
            Self::Interactive => 60_000,
            Self::Api => 600_000,
            Self::Background => 86_400_000,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no priority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown priority {0:?}; there are interactive, api and background")]
pub struct UnknownPriority(String);

impl FromStr for Priority {
    type Err = UnknownPriority;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.name() == text)
            .ok_or_else(|| UnknownPriority(text.to_owned()))
    }
}

/// What the log's readers keep of a submission: everything but its bulk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// See [`Submission::language`].
    pub language: String,
    /// See [`Submission::priority`].
    pub priority: Priority,
    /// See [`Submission::entry`].
    pub entry: String,
    /// See [`Submission::interactive`].
    pub interactive: bool,
    /// See [`Submission::terminal`].
    pub terminal: Option<TerminalSize>,
    /// See [`Submission::limits`].
    pub limits: Limits,
    /// See [`Submission::queue_limit_ms`].
    pub queue_limit_ms: u64,
    /// See [`Submission::session`].
    pub session: Option<String>,
    /// See [`Submission::request_digest`].
    pub request_digest: Option<String>,
    /// See [`Submission::toolchain_version`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain_version: Option<String>,
    /// See [`Submission::repeats`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// When it was accepted, in milliseconds since 1970.
    pub submitted_at_ms: u64,
}

impl Origin {
    /// What readers keep of a submission that was accepted at `submitted_at_ms`.
    #[must_use]
    pub fn of(submission: &Submission, submitted_at_ms: u64) -> Self {
        Self {
            language: submission.language.clone(),
            priority: submission.priority,
            entry: submission.entry.clone(),
            interactive: submission.interactive,
            terminal: submission.terminal,
            limits: submission.limits,
            queue_limit_ms: submission.queue_limit_ms,
            session: submission.session.clone(),
            request_digest: submission.request_digest.clone(),
            toolchain_version: submission.toolchain_version.clone(),
            repeats: submission.repeats,
            submitted_at_ms,
        }
    }
}

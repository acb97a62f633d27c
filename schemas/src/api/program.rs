//! What was sent to be run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Data, Limits, SourceFile, Submission, TerminalSize};

/// The program of an execution, as it was sent: enough to run it again or to edit it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgramView {
    /// The language's id.
    pub language: String,
    /// The files.
    pub files: Vec<SourceFile>,
    /// The name of the file to start with.
    pub entry: String,
    /// Arguments for the program.
    pub args: Vec<String>,
    /// Variables added to the program's environment.
    pub env: BTreeMap<String, String>,
    /// Options for the compiler.
    pub compiler_options: Vec<String>,
    /// What stood on standard input at the start.
    pub stdin: Option<Data>,
    /// Whether standard input stayed open for what is typed.
    pub interactive: bool,
    /// The terminal that it ran on, instead of pipes.
    pub terminal: Option<TerminalSize>,
    /// What it may have used.
    pub limits: Limits,
}

impl From<Submission> for ProgramView {
    fn from(submission: Submission) -> Self {
        Self {
            language: submission.language,
            files: submission.files,
            entry: submission.entry,
            args: submission.args,
            env: submission.env,
            compiler_options: submission.compiler_options,
            stdin: submission.stdin,
            interactive: submission.interactive,
            terminal: submission.terminal,
            limits: submission.limits,
        }
    }
}

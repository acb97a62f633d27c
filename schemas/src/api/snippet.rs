//! Programs that are shared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FileRequest, LimitsRequest, SubmitRequest};
use crate::{Data, ExecutionId, Limits, SnippetEvent, SnippetId, SourceFile, TerminalSize};

/// A program to share. Everything in it can be read by whoever has the link. With `execution_id`
/// and nothing of a program, the program is the one of that execution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetRequest {
    /// What to call it: at most 200 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The run to show beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// Id or alias of a language, as `GET /v1/languages` lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
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
    /// Whether standard input stays open for what is typed.
    #[serde(default)]
    pub interactive: bool,
    /// The terminal that it runs on, instead of pipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// Files to give back: paths below the working directory, at most 32; a folder stands for all
    /// files in it, `.` for everything. In the last part of a path `*` stands for any characters and
    /// `?` for one, as in `plots/*.png`, unless there is something of that very name. At most 64
    /// files with 8 MiB are given back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_files: Vec<String>,
    /// What a run may use; a limit that is left out has its default.
    #[serde(default)]
    pub limits: LimitsRequest,
}

impl SnippetRequest {
    /// Whether it says nothing of a program.
    #[must_use]
    pub fn has_no_program(&self) -> bool {
        let without = Self {
            title: self.title.clone(),
            execution_id: self.execution_id,
            ..Self::default()
        };
        *self == without
    }

    /// The program, as it would be sent to be run.
    #[must_use]
    pub fn into_program(self) -> SubmitRequest {
        SubmitRequest {
            language: self.language.unwrap_or_default(),
            files: self.files,
            source: self.source,
            entry: self.entry,
            args: self.args,
            env: self.env,
            compiler_options: self.compiler_options,
            stdin: self.stdin,
            stdin_data: self.stdin_data,
            interactive: self.interactive,
            terminal: self.terminal,
            output_files: self.output_files,
            limits: self.limits,
            ..SubmitRequest::default()
        }
    }

    /// The program of something that could be run, without what belongs to a run alone.
    #[must_use]
    pub fn of_program(program: SubmitRequest) -> Self {
        Self {
            title: None,
            execution_id: None,
            language: Some(program.language),
            files: program.files,
            source: program.source,
            entry: program.entry,
            args: program.args,
            env: program.env,
            compiler_options: program.compiler_options,
            stdin: program.stdin,
            stdin_data: program.stdin_data,
            interactive: program.interactive,
            terminal: program.terminal,
            output_files: program.output_files,
            limits: program.limits,
        }
    }
}

/// The answer to a program that was shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnippetCreated {
    /// The snippet's id.
    pub id: SnippetId,
    /// Where it is to be found.
    pub links: SnippetLinks,
}

/// Paths of a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnippetLinks {
    /// The snippet.
    #[serde(rename = "self")]
    pub this: String,
    /// The page that shows it.
    pub page: String,
    /// The recording that is shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
}

impl SnippetLinks {
    /// The paths of a snippet.
    #[must_use]
    pub fn of(id: SnippetId, execution_id: Option<ExecutionId>) -> Self {
        Self {
            this: format!("/v1/snippets/{id}"),
            page: format!("/s/{id}"),
            recording: execution_id.map(|id| super::Links::of(id).recording),
        }
    }
}

/// A program that was shared. Never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnippetView {
    /// Its id.
    pub id: SnippetId,
    /// What it is called.
    pub title: Option<String>,
    /// When it was shared, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// The run whose recording is shown beside it.
    pub execution_id: Option<ExecutionId>,
    /// Whether what ran is exactly this program; `null` without a run.
    pub same_program: Option<bool>,
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
    /// What stands on standard input at the start.
    pub stdin: Option<Data>,
    /// Whether standard input stays open for what is typed.
    pub interactive: bool,
    /// The terminal that it runs on, instead of pipes.
    pub terminal: Option<TerminalSize>,
    /// Files to give back.
    pub output_files: Vec<String>,
    /// What a run may use.
    pub limits: Limits,
    /// Where more is to be had.
    pub links: SnippetLinks,
}

impl SnippetView {
    /// A snippet as users see it.
    #[must_use]
    pub fn of(id: SnippetId, event: SnippetEvent) -> Self {
        let created_at_ms = event.at_ms;
        let snippet = event.into_snippet();
        let execution_id = snippet.run.map(|run| run.execution_id);
        Self {
            id,
            title: snippet.title,
            created_at_ms,
            execution_id,
            same_program: snippet.run.map(|run| run.same_program),
            language: snippet.language,
            files: snippet.files,
            entry: snippet.entry,
            args: snippet.args,
            env: snippet.env,
            compiler_options: snippet.compiler_options,
            stdin: snippet.stdin,
            interactive: snippet.interactive,
            terminal: snippet.terminal,
            output_files: snippet.output_files,
            limits: snippet.limits,
            links: SnippetLinks::of(id, execution_id),
        }
    }
}

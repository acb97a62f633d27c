//! A program that somebody shares, for good, with the recording of one of its runs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Data, ExecutionId, Limits, SourceFile, Submission, TerminalSize};

/// Names one snippet. 128 random bits, so that nobody finds it who was not given it; written as 32
/// hexadecimal digits in lower case.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "6f1c0e5a9b7d4c32a8e1f0b3d5c79642")]
pub struct SnippetId(u128);

/// A text that is not a snippet's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a snippet: {0:?}; expected 32 of the digits 0-9 a-f")]
pub struct MalformedSnippetId(String);

impl SnippetId {
    /// Digits of an id.
    const DIGITS: usize = 32;

    /// The id with these bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for SnippetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for SnippetId {
    type Err = MalformedSnippetId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One spelling only, so that a snippet has one address.
        let is_one = text.len() == Self::DIGITS
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_one
            .then(|| u128::from_str_radix(text, 16).ok().map(Self))
            .flatten()
            .ok_or_else(|| MalformedSnippetId(text.chars().take(64).collect()))
    }
}

impl TryFrom<String> for SnippetId {
    type Error = MalformedSnippetId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SnippetId> for String {
    fn from(id: SnippetId) -> Self {
        id.to_string()
    }
}

/// A fact about a snippet, as it stands in the log. Written once, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnippetEvent {
    /// When it was written, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub change: SnippetChange,
}

/// What a [`SnippetEvent`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SnippetChange {
    /// It was shared. The only event on `snippet.{id}`.
    Created {
        /// All of it.
        snippet: Box<Snippet>,
    },
}

impl SnippetEvent {
    /// The snippet that it is about.
    #[must_use]
    pub fn into_snippet(self) -> Snippet {
        match self.change {
            SnippetChange::Created { snippet } => *snippet,
        }
    }
}

/// A program as an editor holds it, complete and checked, and the run that is shown beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The run whose recording is shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<SnippetRun>,
    /// See [`Submission::language`].
    pub language: String,
    /// See [`Submission::files`].
    pub files: Vec<SourceFile>,
    /// See [`Submission::entry`].
    pub entry: String,
    /// See [`Submission::args`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// See [`Submission::env`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// See [`Submission::compiler_options`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compiler_options: Vec<String>,
    /// See [`Submission::stdin`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Data>,
    /// See [`Submission::interactive`].
    #[serde(default)]
    pub interactive: bool,
    /// See [`Submission::terminal`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// See [`Submission::output_files`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_files: Vec<String>,
    /// See [`Submission::limits`].
    pub limits: Limits,
}

/// The run that is shown beside a snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnippetRun {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Whether what ran is exactly the program of the snippet.
    pub same_program: bool,
}

impl From<Submission> for Snippet {
    /// The program of a submission, without what belongs to its run alone.
    fn from(submission: Submission) -> Self {
        Self {
            title: None,
            run: None,
            language: submission.language,
            files: submission.files,
            entry: submission.entry,
            args: submission.args,
            env: submission.env,
            compiler_options: submission.compiler_options,
            stdin: submission.stdin,
            interactive: submission.interactive,
            terminal: submission.terminal,
            output_files: submission.output_files,
            limits: submission.limits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "00ff0e5a9b7d4c32a8e1f0b3d5c79642";
        let id: SnippetId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(SnippetId::from_bits(id.bits()), id);
        for bad in [
            "",
            "00FF0e5a9b7d4c32a8e1f0b3d5c79642",
            "+0ff0e5a9b7d4c32a8e1f0b3d5c79642",
            "00ff0e5a9b7d4c32a8e1f0b3d5c7964",
            "00ff0e5a9b7d4c32a8e1f0b3d5c796420",
            "00ff0e5a-9b7d-4c32-a8e1-f0b3d5c79642",
        ] {
            assert!(bad.parse::<SnippetId>().is_err(), "{bad}");
        }
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<SnippetId>(&json).unwrap(), id);
    }
}

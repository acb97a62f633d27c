//! Dead letters: what was given up, and what is to be done with it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ExecutionView, Problem};
use crate::ExecutionId;

/// An execution that was given up through our fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// The execution's id.
    pub id: ExecutionId,
    /// The language's id.
    pub language: String,
    /// When it was given up, in milliseconds since 1970.
    pub at_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// What failed last, in words.
    pub reason: String,
    /// The execution that tries it again, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<ExecutionId>,
    /// When that was asked for, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_at_ms: Option<u64>,
    /// The execution with every attempt; only of a single letter, where it is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionView>,
}

/// A page of dead letters, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterPage {
    /// The letters.
    pub letters: Vec<DeadLetterView>,
    /// Give it back as `after` for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// Of `GET /v1/dead-letters`. What is left out filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeadLetterQuery {
    /// Only in this language, by id or alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Only with this text in the reason, in upper or lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only given up at or after, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Only given up before, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Only those that were tried again, or only those that were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redriven: Option<bool>,
    /// Go on behind a page: its `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many, 1 to 200, default 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Which dead letters something is done with: all that everything given here fits. One of the
/// filters is needed, or `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSelection {
    /// Only in this language, by id or alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Only with this text in the reason, in upper or lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only given up at or after, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Only given up before, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// All of them, without a filter.
    #[serde(default)]
    pub all: bool,
    /// Only say which ones they are.
    #[serde(default)]
    pub dry_run: bool,
    /// At most so many, the oldest first: 1 to 1,000, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// What was done with one dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterAction {
    /// The execution that was given up.
    pub id: ExecutionId,
    /// The execution that tries it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<ExecutionId>,
    /// Why it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What was done with dead letters, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterReport {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// One for each letter that was selected, the oldest first.
    pub letters: Vec<DeadLetterAction>,
    /// Whether there are more than the limit allowed.
    pub more: bool,
}

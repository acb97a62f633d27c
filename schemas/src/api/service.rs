//! What an edge says about itself and what it offers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::WorkerReport;

/// All languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Languages {
    /// One for each definition, by id.
    pub languages: Vec<LanguageView>,
}

/// A language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LanguageView {
    /// Its id, for submissions.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Other ids that are understood.
    pub aliases: Vec<String>,
    /// Endings of its files, without the dot.
    pub extensions: Vec<String>,
    /// The usual name of the file to start with.
    pub entry: String,
    /// Whether submissions are accepted.
    pub available: bool,
    /// The exact version that the workers found.
    pub version: Option<String>,
    /// Why it is not available.
    pub unavailable_because: Option<String>,
    /// Compiler options that may be given.
    pub compiler_options: Vec<String>,
    /// A first program.
    pub hello_world: String,
}

/// Whether an edge can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether it should be sent requests.
    pub ready: bool,
    /// Whether it is ready but a part of it, such as the history, is not.
    pub degraded: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// One thing that an edge needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its name: `nats`, `streams`, `postgres`, `draining`.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What is wrong, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What runs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The program's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The workers that have reported themselves in the last thirty seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workers {
    /// One for each, by name.
    pub workers: Vec<WorkerReport>,
}

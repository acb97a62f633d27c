//! What a worker says about itself, again and again, for as long as it lives.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A worker, as it last reported itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerReport {
    /// Its name, as in the attempts of executions.
    pub name: String,
    /// The machine's name.
    pub host: String,
    /// What it runs programs in, for example `native`.
    pub engine: String,
    /// How many executions it runs at once.
    pub slots: u32,
    /// How many more it could begin now.
    pub free_slots: u32,
    /// The languages that it serves, with the versions it found, by id.
    pub languages: Vec<WorkerLanguage>,
    /// Memory of its machine, in bytes; 0 where it is not known.
    pub memory_bytes: u64,
    /// What of it is available, in bytes; 0 where it is not known.
    pub available_memory_bytes: u64,
    /// When it started, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Whether it takes nothing new because it was told to stop.
    pub draining: bool,
    /// Layers of isolation that its machine lacks and that it was allowed to do without.
    #[serde(default)]
    pub missing_layers: Vec<String>,
    /// Sandboxes that wait to be used, by what is ready in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<ParkedCells>,
    /// When it said this, in milliseconds since 1970. It says so at least every ten seconds, every
    /// second while something changes, and is forgotten after thirty.
    pub at_ms: u64,
}

/// Sandboxes of one kind that wait on a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParkedCells {
    /// The runtime that is ready in them, or `any` for those that can run anything.
    pub host: String,
    /// How many there are.
    pub cells: u32,
    /// Memory that they take together, in bytes.
    pub memory_bytes: u64,
}

/// A language of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerLanguage {
    /// The language's id.
    pub id: String,
    /// The exact version of its toolchain, where it told one.
    pub version: Option<String>,
}

impl WorkerReport {
    /// Whether it would run a program in that language, with that version where one is given.
    #[must_use]
    pub fn serves(&self, language: &str, version: Option<&str>) -> bool {
        self.languages
            .iter()
            .filter(|it| it.id == language)
            .any(|it| version.is_none() || it.version.as_deref() == version)
    }
}

//! How everything stands, for those who run it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Priority, WorkerReport};

/// Queues, workers and dead letters at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationsView {
    /// When the queues were looked at, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why that is longer ago than it should be: what the log said at the last try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_because: Option<String>,
    /// Every queue, by language and then by priority, the first to be served in front.
    pub queues: Vec<QueueView>,
    /// The workers that have reported themselves in the last thirty seconds, by name.
    pub workers: Vec<WorkerReport>,
    /// Changes with every dead letter that comes, goes or is tried again.
    pub dead_letters: DeadLettersMark,
}

/// What waits in one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// The language's id.
    pub language: String,
    /// The priority.
    pub priority: Priority,
    /// Submissions that no worker has had yet.
    pub waiting: u64,
    /// Submissions that workers have, or that wait for their next attempt.
    pub leased: u64,
    /// How long the oldest of those that wait has done so, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_age_ms: Option<u64>,
}

/// Tells whether the dead letters are still the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLettersMark {
    /// How many there are, those included that were tried again.
    pub letters: u64,
    /// The sequence of the last change in the log.
    pub last_sequence: u64,
}

//! The copies of what was given up.

use runlog_schemas::{ExecutionId, subject};
use serde::{Deserialize, Serialize};

use crate::{AppendError, Log};

/// A submission that was given up: where it stands and why. The fact itself is the `dead` event
/// of the execution; this is a copy for whoever tends the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was given up, in milliseconds since 1970.
    pub at_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// What failed last, in words.
    pub reason: String,
    /// Its sequence in [`subject::EXECUTIONS`].
    pub submission_sequence: u64,
}

impl Log {
    /// Files a dead letter. Filing it again changes nothing.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn append_dead_letter(
        &self,
        language: &str,
        id: ExecutionId,
        letter: &DeadLetter,
    ) -> Result<(), AppendError> {
        let payload = serde_json::to_vec(letter).expect("plain fields always serialise");
        self.append_once(subject::DEAD_LETTERS, subject::dead(language, id), payload)
            .await
    }
}

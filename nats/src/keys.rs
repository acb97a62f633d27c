//! What idempotency keys stand for, where they do not name it themselves: a key-value bucket with
//! one entry for each key, which the first one makes and nobody changes.

use runlog_schemas::{KeyScope, WireError};
use serde::{Deserialize, Serialize};

use crate::{AppendError, Log, ReadError};

/// The stream behind the bucket `KEYS`.
const STREAM: &str = "KV_KEYS";

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyClaim {
    /// Tells the same request from another one under the same key.
    pub request_digest: String,
    /// The id of what it makes.
    pub id: String,
}

impl Log {
    /// Claims a key, unless somebody has; gives what it stands for then.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn claim_key(
        &self,
        scope: KeyScope<'_>,
        key: &str,
        claim: &KeyClaim,
    ) -> Result<KeyClaim, KeyError> {
        // The bucket's keys are subjects, which senders' keys need not fit.
        let subject = format!("$KV.KEYS.{}", scope.digest(key));
        let payload = serde_json::to_vec(claim).expect("plain fields always serialise");
        match self.append_first(STREAM, subject.clone(), payload).await {
            Ok(_) => return Ok(claim.clone()),
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        let stored = self.leader_next(STREAM, &subject, 1).await;
        let stored = stored.map_err(ReadError::from)?;
        // The bucket has just forgotten it.
        let Some(stored) = stored else {
            let reason = "a key was just forgotten".to_owned();
            return Err(AppendError::Unavailable(reason).into());
        };
        serde_json::from_slice(&stored.payload).map_err(|error| {
            KeyError::Read(ReadError::Unreadable {
                stream: STREAM,
                sequence: stored.sequence,
                subject: stored.subject,
                source: WireError::Malformed(error),
            })
        })
    }
}

/// Why a key could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// What it stands for could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

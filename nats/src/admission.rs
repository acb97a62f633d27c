//! Keeps room in the log for what runs.
//!
//! A full log refuses appends rather than drop what nobody has processed. If submissions could
//! fill it to the brim, the runs that are under way could not write their ends; so submissions
//! are refused a little earlier.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use runlog_schemas::subject;
use serde::Deserialize;

use crate::request::RequestError;
use crate::{AppendError, Bounds, Log};

/// How many submissions are taken on one look at the stream.
const LOOK_EVERY: u64 = 256;

/// The share of the stream that is kept free for the events of runs: one tenth.
const RESERVE: u64 = 10;

/// When to look at the stream again, and what the last look said.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    taken: AtomicU64,
    closed: AtomicBool,
}

#[derive(Deserialize)]
struct StreamInfo {
    state: Bounds,
    config: StreamLimits,
}

#[derive(Deserialize)]
struct StreamLimits {
    #[serde(default)]
    max_msgs: i64,
    #[serde(default)]
    max_bytes: i64,
}

impl Log {
    /// Refuses a submission that would eat into the reserve.
    pub(crate) async fn admit(&self) -> Result<(), AppendError> {
        let admission = &self.0.admission;
        let taken = admission.taken.fetch_add(1, Ordering::Relaxed);
        if !taken.is_multiple_of(LOOK_EVERY) && !admission.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let subject = format!("STREAM.INFO.{}", subject::EXECUTIONS);
        match self.api::<StreamInfo>(&subject, &()).await {
            Ok(info) => {
                let verdict = room(&info.state, &info.config);
                admission.closed.store(verdict.is_err(), Ordering::Relaxed);
                verdict.map_err(AppendError::Full)
            }
            // Nothing was appended, so this is as good an answer as the append would get.
            Err(RequestError::Unavailable(reason)) => {
                admission.closed.store(true, Ordering::Relaxed);
                Err(AppendError::Unavailable(reason))
            }
            Err(RequestError::Refused { code, description }) => {
                Err(AppendError::Refused { code, description })
            }
            Err(error @ RequestError::Malformed(_)) => {
                Err(AppendError::Unavailable(error.to_string()))
            }
        }
    }
}

fn room(state: &Bounds, limits: &StreamLimits) -> Result<(), String> {
    check("messages", state.messages, limits.max_msgs)?;
    check("bytes", state.bytes, limits.max_bytes)
}

fn check(what: &str, held: u64, limit: i64) -> Result<(), String> {
    match u64::try_from(limit) {
        Ok(limit) if limit > 0 && held >= limit - limit / RESERVE => Err(format!(
            "it holds {held} of {limit} {what}, and the rest is kept for what runs"
        )),
        // Zero and less mean no limit.
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(messages: u64, bytes: u64) -> Bounds {
        Bounds {
            first_sequence: 1,
            last_sequence: messages,
            messages,
            bytes,
        }
    }

    #[test]
    fn the_last_tenth_is_kept() {
        let limits = StreamLimits {
            max_msgs: 100,
            max_bytes: 1_000,
        };
        assert_eq!(room(&state(89, 899), &limits), Ok(()));
        assert!(room(&state(90, 0), &limits).is_err());
        assert!(room(&state(0, 900), &limits).is_err());
        let unlimited = StreamLimits {
            max_msgs: -1,
            max_bytes: -1,
        };
        assert_eq!(room(&state(u64::MAX, u64::MAX), &unlimited), Ok(()));
    }
}

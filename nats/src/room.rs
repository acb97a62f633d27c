//! Room in the log: kept for what runs, and made by removing what is done with.
//!
//! A full log refuses appends rather than drop what nobody has processed. If submissions could
//! fill it to the brim, the runs that are under way could not write their ends; so submissions
//! are refused a little earlier. And whoever has copied the log elsewhere removes its old half.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use runlog_schemas::subject;
use serde::Deserialize;
use serde_json::json;

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
struct Purged {
    purged: u64,
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
        match self
            .read_api::<StreamInfo>(subject::EXECUTIONS, &subject, &())
            .await
        {
            Ok(info) => {
                let verdict = has_room(&info.state, &info.config);
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

    /// Where a stream is more than half full, removes so much of its front that it is half full,
    /// but nothing from the sequence `done_before` on. What is before that must stand in a store
    /// as durable as the log, and be of executions that have all ended. Returns how many messages
    /// went. Not for hot paths: every minute is enough.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn make_room(&self, stream: &str, done_before: u64) -> Result<u64, RequestError> {
        let subject = format!("STREAM.INFO.{stream}");
        let info: StreamInfo = self.read_api(stream, &subject, &()).await?;
        let keep = keep_from(&info.state, &info.config, done_before);
        if keep <= info.state.first_sequence {
            return Ok(0);
        }
        let subject = format!("STREAM.PURGE.{stream}");
        let purged: Purged = self.api(&subject, &json!({ "seq": keep })).await?;
        Ok(purged.purged)
    }
}

/// The first sequence to keep: so much goes from the front that the stream is half full again,
/// but nothing from `done_before` on.
fn keep_from(state: &Bounds, limits: &StreamLimits, done_before: u64) -> u64 {
    let half = |limit: i64| {
        u64::try_from(limit)
            .ok()
            .filter(|it| *it > 0)
            .map(|it| it / 2)
    };
    let by_messages = half(limits.max_msgs).unwrap_or(u64::MAX);
    let by_bytes = half(limits.max_bytes).map_or(u64::MAX, |half| {
        let share = u128::from(state.messages) * u128::from(half);
        let kept = share / u128::from(state.bytes.max(1));
        u64::try_from(kept).unwrap_or(u64::MAX)
    });
    let kept = by_messages.min(by_bytes).min(state.messages);
    let first = (state.last_sequence + 1).saturating_sub(kept);
    first.min(done_before).max(state.first_sequence)
}

fn has_room(state: &Bounds, limits: &StreamLimits) -> Result<(), String> {
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
        assert_eq!(has_room(&state(89, 899), &limits), Ok(()));
        assert!(has_room(&state(90, 0), &limits).is_err());
        assert!(has_room(&state(0, 900), &limits).is_err());
        let unlimited = StreamLimits {
            max_msgs: -1,
            max_bytes: -1,
        };
        assert_eq!(has_room(&state(u64::MAX, u64::MAX), &unlimited), Ok(()));
    }

    #[test]
    fn what_is_done_goes_down_to_the_half() {
        let limits = StreamLimits {
            max_msgs: 100,
            max_bytes: 1_000,
        };
        assert_eq!(keep_from(&state(80, 0), &limits, u64::MAX), 31);
        assert_eq!(keep_from(&state(80, 0), &limits, 20), 20);
        assert_eq!(keep_from(&state(50, 0), &limits, u64::MAX), 1);
        assert_eq!(keep_from(&state(10, 1_000), &limits, u64::MAX), 6);
        assert_eq!(keep_from(&state(0, 0), &limits, u64::MAX), 1);
        let unlimited = StreamLimits {
            max_msgs: -1,
            max_bytes: 0,
        };
        assert_eq!(keep_from(&state(1_000, 1_000), &unlimited, u64::MAX), 1);
    }
}

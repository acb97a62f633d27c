//! What to do with an execution that was delivered. Pure.

use std::time::Duration;

use runlog_schemas::{Command, Execution, ExecutionEvent, Outcome, Refusal, decide};

use super::outcome::Verdict;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Append this and run it.
    Start {
        /// Its number, from 1.
        attempt: u32,
        /// `started`.
        event: ExecutionEvent,
    },
    /// Append this; it waited too long.
    Expire(ExecutionEvent),
    /// The worker that had it is lost: end its attempt, with what the log has of its output.
    Close {
        /// The attempt that was lost.
        attempt: u32,
        /// What it comes to.
        verdict: Verdict,
    },
    /// It may start after this time.
    Later(Duration),
    /// It has ended.
    Ended,
    /// The log does not have it.
    Unknown,
}

/// The reason that stands in the log for an attempt whose worker went away.
const LOST: &str = "the worker was lost";

/// Decides, for a worker of that name.
pub fn claim(execution: &Execution, worker: &str, at_ms: u64) -> Claim {
    if waited_too_long(execution, at_ms)
        && let Ok(Some(event)) = decide(execution, Command::Expire, at_ms)
    {
        return Claim::Expire(event);
    }
    let start = Command::Start {
        worker: worker.to_owned(),
    };
    match decide(execution, start, at_ms) {
        Ok(Some(event)) => Claim::Start {
            attempt: execution.next_attempt(),
            event,
        },
        Err(Refusal::TooEarly { not_before_ms }) => {
            Claim::Later(Duration::from_millis(not_before_ms.saturating_sub(at_ms)))
        }
        Err(Refusal::CancelPending { attempt }) => Claim::Close {
            attempt,
            verdict: Verdict::Finish(Outcome::Cancelled),
        },
        Err(Refusal::NoAttemptLeft { attempt }) => Claim::Close {
            attempt,
            verdict: Verdict::GiveUp(LOST.to_owned()),
        },
        Err(Refusal::AlreadyEnded(_)) => Claim::Ended,
        Ok(None)
        | Err(
            Refusal::NoSuchExecution
            | Refusal::AlreadySubmitted
            | Refusal::Superseded { .. }
            | Refusal::AlreadyStarted,
        ) => Claim::Unknown,
    }
}

/// Time in the queue is what counts, so one that has been tried is past its limit for good.
fn waited_too_long(execution: &Execution, at_ms: u64) -> bool {
    execution.attempts.is_empty()
        && execution.origin.as_ref().is_some_and(|origin| {
            at_ms.saturating_sub(origin.submitted_at_ms) > origin.queue_limit_ms
        })
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Change, MAX_ATTEMPTS, State, fold};

    use super::*;
    use crate::run::attempt::tests::queued;

    fn after(changes: &[Change]) -> Execution {
        changes.iter().fold(queued(), |execution, change| {
            let event = ExecutionEvent {
                at_ms: 500,
                change: change.clone(),
            };
            fold(execution, &event)
        })
    }

    fn started(attempt: u32) -> Change {
        Change::Started {
            attempt,
            worker: "a".to_owned(),
        }
    }

    fn attempt_at(execution: &Execution, at_ms: u64) -> Option<u32> {
        match claim(execution, "b", at_ms) {
            Claim::Start { attempt, event } => {
                let Change::Started {
                    attempt: written, ..
                } = event.change
                else {
                    panic!("{event:?}")
                };
                assert_eq!(written, attempt);
                Some(attempt)
            }
            _ => None,
        }
    }

    #[test]
    fn a_fresh_one_starts_until_its_time_in_the_queue_is_over() {
        assert_eq!(attempt_at(&queued(), 1_000), Some(1));
        assert!(matches!(
            claim(&queued(), "b", 1_001),
            Claim::Expire(event) if event.change == Change::Expired
        ));
    }

    #[test]
    fn one_whose_worker_was_lost_gets_its_next_attempt_whatever_the_time() {
        assert_eq!(attempt_at(&after(&[started(1)]), 60_000), Some(2));
        let cancelled = after(&[started(1), Change::CancelRequested]);
        assert_eq!(
            claim(&cancelled, "b", 600),
            Claim::Close {
                attempt: 1,
                verdict: Verdict::Finish(Outcome::Cancelled)
            }
        );
        let changes: Vec<Change> = (1..=MAX_ATTEMPTS).map(started).collect();
        assert_eq!(
            claim(&after(&changes), "b", 600),
            Claim::Close {
                attempt: MAX_ATTEMPTS,
                verdict: Verdict::GiveUp(LOST.to_owned())
            }
        );
    }

    #[test]
    fn a_retry_waits_for_its_time_and_an_end_is_an_end() {
        let retried = after(&[
            started(1),
            Change::Retried {
                attempt: 1,
                reason: "x".to_owned(),
                not_before_ms: 2_500,
                handed_back: false,
            },
        ]);
        assert_eq!(
            claim(&retried, "b", 2_000),
            Claim::Later(Duration::from_millis(500))
        );
        assert_eq!(attempt_at(&retried, 2_500), Some(2));
        assert_eq!(claim(&after(&[Change::Cancelled]), "b", 0), Claim::Ended);
        assert_eq!(claim(&Execution::default(), "b", 0), Claim::Unknown);
        assert!(matches!(retried.state, State::Queued { .. }));
    }
}

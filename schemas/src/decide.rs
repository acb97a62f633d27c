//! What may happen to an execution next.

use crate::event::{Change, ExecutionEvent};
use crate::execution::{Execution, MAX_ATTEMPTS, State};
use crate::{Measurements, Outcome, OutputSummary, Submission};

/// What somebody wants to happen to an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Accept it.
    Submit(Box<Submission>),
    /// Begin the next attempt. Asked by a worker that got the submission delivered: on an
    /// execution that runs this means that the lease of the worker before has run out.
    Start {
        /// The worker's name.
        worker: String,
    },
    /// End the attempt, and the execution with it.
    Finish {
        /// Which attempt.
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
        /// What it used.
        measurements: Box<Measurements>,
        /// What its output comes to.
        output: Box<OutputSummary>,
    },
    /// Give the attempt up, through our fault.
    GiveUp {
        /// Which attempt.
        attempt: u32,
        /// What failed, in words.
        reason: String,
        /// What its output comes to.
        output: Box<OutputSummary>,
    },
    /// Give the attempt back unfinished, because its worker was told to stop. It counts for
    /// nothing, and the next one may begin at once.
    HandBack {
        /// Which attempt.
        attempt: u32,
        /// Why, in words.
        reason: String,
    },
    /// End it for whoever sent it.
    Cancel,
    /// End it because it waited too long.
    Expire,
}

/// Why a command leads to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not in the log.
    #[error("no such execution")]
    NoSuchExecution,
    /// It is in the log already.
    #[error("already submitted")]
    AlreadySubmitted,
    /// It ended before.
    #[error("already ended: {}", .0.name())]
    AlreadyEnded(Outcome),
    /// Another attempt has begun; whoever asked is late and must stop.
    #[error("attempt {asked} was superseded")]
    Superseded {
        /// The attempt that the command was about.
        asked: u32,
    },
    /// It waits for its next attempt, in milliseconds since 1970.
    #[error("not before {not_before_ms}")]
    TooEarly {
        /// When it may start.
        not_before_ms: u64,
    },
    /// The worker that ran the last attempt is lost and its end had been asked for: whoever
    /// meets it ends that attempt as cancelled, with what the log has of its output.
    #[error("attempt {attempt} waits to be ended as cancelled")]
    CancelPending {
        /// The attempt to end.
        attempt: u32,
    },
    /// The worker that ran the last attempt is lost: whoever meets it gives that attempt up,
    /// with what the log has of its output.
    #[error("attempt {attempt} was the last one")]
    NoAttemptLeft {
        /// The attempt to give up.
        attempt: u32,
    },
    /// It runs, so it can no longer expire.
    #[error("already started")]
    AlreadyStarted,
}

/// Time between a failed attempt and the next one, in milliseconds, by how many have failed.
#[must_use]
pub const fn retry_delay_ms(failed: u32) -> u64 {
    match failed {
        0 | 1 => 2_000,
        2 => 4_000,
        _ => 8_000,
    }
}

/// Decides what a command leads to, from state alone. The caller appends the event, if any, with
/// the sequence that it folded up to as the expected last sequence of the subject.
///
/// # Errors
/// Says why the command leads to nothing.
pub fn decide(
    execution: &Execution,
    command: Command,
    at_ms: u64,
) -> Result<Option<ExecutionEvent>, Refusal> {
    let change = match &execution.state {
        State::Absent => match command {
            Command::Submit(submission) => Some(Change::Submitted { submission }),
            Command::Start { .. }
            | Command::Finish { .. }
            | Command::GiveUp { .. }
            | Command::HandBack { .. }
            | Command::Cancel
            | Command::Expire => return Err(Refusal::NoSuchExecution),
        },
        State::Queued {
            next_attempt,
            not_before_ms,
        } => Some(while_queued(*next_attempt, *not_before_ms, command, at_ms)?),
        State::Running {
            attempt,
            cancelling,
        } => {
            let run = Run {
                attempt: *attempt,
                cancelling: *cancelling,
                used: execution.attempts_used(),
            };
            while_running(&run, command, at_ms)?
        }
        State::Ended(end) => match command {
            Command::Submit(_) => return Err(Refusal::AlreadySubmitted),
            Command::Start { .. }
            | Command::Finish { .. }
            | Command::GiveUp { .. }
            | Command::HandBack { .. }
            | Command::Cancel
            | Command::Expire => return Err(Refusal::AlreadyEnded(end.outcome.clone())),
        },
    };
    Ok(change.map(|change| ExecutionEvent { at_ms, change }))
}

fn while_queued(
    next_attempt: u32,
    not_before_ms: Option<u64>,
    command: Command,
    at_ms: u64,
) -> Result<Change, Refusal> {
    match command {
        Command::Submit(_) => Err(Refusal::AlreadySubmitted),
        Command::Start { worker } => match not_before_ms {
            Some(not_before_ms) if at_ms < not_before_ms => {
                Err(Refusal::TooEarly { not_before_ms })
            }
            Some(_) | None => Ok(Change::Started {
                attempt: next_attempt,
                worker,
            }),
        },
        Command::Finish { attempt, .. }
        | Command::GiveUp { attempt, .. }
        | Command::HandBack { attempt, .. } => Err(Refusal::Superseded { asked: attempt }),
        Command::Cancel => Ok(Change::Cancelled),
        Command::Expire => Ok(Change::Expired),
    }
}

/// What matters of an execution that runs.
struct Run {
    attempt: u32,
    cancelling: bool,
    /// Attempts that count, this one included.
    used: u32,
}

fn while_running(run: &Run, command: Command, at_ms: u64) -> Result<Option<Change>, Refusal> {
    let (running, cancelling, used) = (run.attempt, run.cancelling, run.used);
    match command {
        Command::Submit(_) => Err(Refusal::AlreadySubmitted),
        Command::Expire => Err(Refusal::AlreadyStarted),
        Command::Cancel if cancelling => Ok(None),
        Command::Cancel => Ok(Some(Change::CancelRequested)),
        Command::Start { .. } if cancelling => Err(Refusal::CancelPending { attempt: running }),
        Command::Start { .. } if used >= MAX_ATTEMPTS => {
            Err(Refusal::NoAttemptLeft { attempt: running })
        }
        Command::Start { worker } => Ok(Some(Change::Started {
            attempt: running + 1,
            worker,
        })),
        Command::Finish { attempt, .. }
        | Command::GiveUp { attempt, .. }
        | Command::HandBack { attempt, .. }
            if attempt != running =>
        {
            Err(Refusal::Superseded { asked: attempt })
        }
        Command::Finish {
            attempt,
            outcome,
            measurements,
            output,
        } => {
            let outcome = if cancelling {
                Outcome::Cancelled
            } else {
                outcome
            };
            Ok(Some(Change::Finished {
                attempt,
                outcome,
                measurements,
                output,
            }))
        }
        Command::GiveUp { attempt, .. } | Command::HandBack { attempt, .. } if cancelling => {
            Err(Refusal::CancelPending { attempt })
        }
        Command::GiveUp {
            attempt,
            reason,
            output,
        } if used >= MAX_ATTEMPTS => Ok(Some(Change::Dead {
            attempt,
            reason,
            output,
        })),
        Command::GiveUp {
            attempt,
            reason,
            output: _,
        } => Ok(Some(Change::Retried {
            attempt,
            reason,
            not_before_ms: at_ms + retry_delay_ms(used),
            handed_back: false,
        })),
        Command::HandBack { attempt, reason } => Ok(Some(Change::Retried {
            attempt,
            reason,
            not_before_ms: at_ms,
            handed_back: true,
        })),
    }
}

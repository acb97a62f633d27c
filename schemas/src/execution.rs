//! An execution, as the sum of what the log says about it.

use serde::{Deserialize, Serialize};

use crate::event::{Change, ExecutionEvent};
use crate::{Measurements, Origin, Outcome, OutputSummary};

/// How many attempts may come to nothing before an execution is dead. Attempts that a worker
/// handed back because it was told to stop are not counted.
pub const MAX_ATTEMPTS: u32 = 3;

/// The state of one execution. Made by [`fold`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// What was asked; `None` until the submission has been read.
    pub origin: Option<Origin>,
    /// Where it stands.
    pub state: State,
    /// Every attempt so far, the first in front.
    pub attempts: Vec<Attempt>,
}

/// Where an execution stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    /// Nothing is known of it.
    #[default]
    Absent,
    /// It waits for a worker.
    Queued {
        /// The number that the next attempt will have.
        next_attempt: u32,
        /// That attempt starts no sooner, in milliseconds since 1970.
        not_before_ms: Option<u64>,
    },
    /// A worker has it.
    Running {
        /// The attempt that runs.
        attempt: u32,
        /// Whether its end was asked for.
        cancelling: bool,
    },
    /// It ended; nothing more happens to it.
    Ended(Box<End>),
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// How.
    pub outcome: Outcome,
    /// What the last attempt used, where one ran to its end.
    pub measurements: Option<Measurements>,
    /// What the output of the last attempt comes to, where one ran to its end.
    pub output: Option<OutputSummary>,
}

/// One try of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The worker's name.
    pub worker: String,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Why it did not come to an end, where that is so.
    pub failure: Option<String>,
    /// Whether its worker was told to stop and gave it back, so that it counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handed_back: bool,
}

impl Execution {
    /// How it ended, where it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        match &self.state {
            State::Ended(end) => Some(end),
            State::Absent | State::Queued { .. } | State::Running { .. } => None,
        }
    }

    /// The attempt whose output counts: the one that runs, or the one that ended the execution.
    /// What an attempt wrote that came to nothing does not count.
    #[must_use]
    pub fn recorded_attempt(&self) -> Option<u32> {
        match &self.state {
            State::Running { attempt, .. } => Some(*attempt),
            State::Ended(end) if end.output.is_some() => {
                self.attempts.last().map(|attempt| attempt.number)
            }
            State::Absent | State::Queued { .. } | State::Ended(_) => None,
        }
    }

    /// How many attempts have begun that count towards [`MAX_ATTEMPTS`].
    #[must_use]
    pub fn attempts_used(&self) -> u32 {
        let used = self.attempts.iter().filter(|it| !it.handed_back).count();
        u32::try_from(used).unwrap_or(u32::MAX)
    }

    /// The number that a next attempt would have.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        self.attempts.last().map_or(1, |attempt| attempt.number + 1)
    }
}

/// Folds one event into an execution.
///
/// Total: delivery is at-least-once and workers race, so an event that does not fit the current
/// state leaves it as it is. The attempt's number is the fence that makes a late or repeated
/// event harmless.
#[expect(
    clippy::too_many_lines,
    reason = "the one table of all transitions reads best in one piece"
)]
#[must_use]
pub fn fold(mut execution: Execution, event: &ExecutionEvent) -> Execution {
    use Change as C;
    let at_ms = event.at_ms;
    match (&execution.state, &event.change) {
        (State::Absent, C::Submitted { submission }) => {
            execution.origin = Some(Origin::of(submission, at_ms));
            execution.state = State::Queued {
                next_attempt: 1,
                not_before_ms: None,
            };
        }
        (State::Queued { next_attempt, .. }, C::Started { attempt, worker })
            if attempt == next_attempt =>
        {
            execution.start(*attempt, worker, at_ms, false);
        }
        // The lease of the worker before ran out; the newer one takes over.
        (
            &State::Running {
                attempt: of,
                cancelling,
            },
            C::Started { attempt, worker },
        ) if *attempt == of + 1 => {
            execution.fail("the worker was lost");
            execution.start(*attempt, worker, at_ms, cancelling);
        }
        (
            &State::Running { attempt, .. },
            C::Retried {
                attempt: of,
                reason,
                not_before_ms,
                handed_back,
            },
        ) if *of == attempt => {
            execution.fail(reason);
            if let Some(last) = execution.attempts.last_mut() {
                last.handed_back = *handed_back;
            }
            execution.state = State::Queued {
                next_attempt: attempt + 1,
                not_before_ms: Some(*not_before_ms),
            };
        }
        (&State::Running { attempt, .. }, C::CancelRequested) => {
            execution.state = State::Running {
                attempt,
                cancelling: true,
            };
        }
        (
            State::Running { attempt, .. },
            C::Finished {
                attempt: of,
                outcome,
                measurements,
                output,
            },
        ) if of == attempt => {
            let measurements = Some((**measurements).clone());
            let output = Some((**output).clone());
            execution.end_as(End {
                at_ms,
                outcome: outcome.clone(),
                measurements,
                output,
            });
        }
        (
            State::Running { attempt, .. },
            C::Dead {
                attempt: of,
                reason,
                output,
            },
        ) if of == attempt => {
            execution.fail(reason);
            let outcome = Outcome::SystemError {
                reason: reason.clone(),
            };
            let output = Some((**output).clone());
            execution.end_as(End {
                at_ms,
                outcome,
                measurements: None,
                output,
            });
        }
        (State::Queued { .. }, C::Cancelled) => {
            execution.end_as(End::in_queue(at_ms, Outcome::Cancelled));
        }
        (State::Queued { .. }, C::Expired) => {
            execution.end_as(End::in_queue(at_ms, Outcome::Expired));
        }
        _ => {}
    }
    execution
}

impl Execution {
    fn start(&mut self, attempt: u32, worker: &str, at_ms: u64, cancelling: bool) {
        self.attempts.push(Attempt {
            number: attempt,
            worker: worker.to_owned(),
            started_at_ms: at_ms,
            failure: None,
            handed_back: false,
        });
        self.state = State::Running {
            attempt,
            cancelling,
        };
    }

    /// Notes why the attempt that runs came to nothing.
    fn fail(&mut self, reason: &str) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.failure = Some(reason.to_owned());
        }
    }

    fn end_as(&mut self, end: End) {
        self.state = State::Ended(Box::new(end));
    }
}

impl End {
    const fn in_queue(at_ms: u64, outcome: Outcome) -> Self {
        Self {
            at_ms,
            outcome,
            measurements: None,
            output: None,
        }
    }
}

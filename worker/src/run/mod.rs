//! One delivery, from the queue to the end in the log.
//!
//! The delivery itself is the first event of the execution. Delivered for the first time, nothing
//! else should have happened: `started` is appended behind sequence 0, and a refusal says
//! otherwise. Everything else is found out from the leader before anything is decided.

pub(crate) mod attempt;
pub(crate) mod claim;
mod drive;
mod flight;
pub(crate) mod input;
mod journal;
pub(crate) mod outcome;
mod plan;
pub(crate) mod recorder;
mod reuse;
pub(crate) mod salvage;
mod self_test;
mod takeover;

use std::sync::Arc;
use std::time::Duration;

use runlog_failpoint::{self as failpoint, Point};
use runlog_nats::{AppendError, DeadLetter, Delivery, Freshness, ReadError, now_ms};
use runlog_schemas::{
    Change, Command, End, Execution, ExecutionEvent, ExecutionId, Measurements, Outcome, State,
    Submission, decide, fold,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::metrics::{Ignored, Stage};
use crate::worker::Worker;

use attempt::{Attempt, Leave, Position, Setup};
use claim::{Claim, claim};
use drive::{Bench, Driven, drive};
use journal::LogJournal;
use outcome::Verdict;
use plan::Plan;
use reuse::Reuse;

pub(crate) use plan::{CompilePlan, step_limits};

pub use self_test::{SelfTestError, self_test};

/// When a submission may come again that needs a toolchain which this worker does not have:
/// perhaps to one that has it.
const OTHER_VERSION: Duration = Duration::from_millis(300);

/// Why a delivery was left alone. It comes again when its lease runs out.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read the execution")]
    Read(#[from] ReadError),
    #[error("cannot append to the execution")]
    Append(#[from] AppendError),
    #[error("cannot answer the queue")]
    Answer(#[from] runlog_nats::RequestError),
    #[error("the log has no execution {0}")]
    Unknown(ExecutionId),
}

/// Deals with one delivery. When this returns, nothing of it is left on the machine.
pub(crate) async fn handle(worker: &Arc<Worker>, delivery: Delivery) {
    let id = delivery.id;
    let Some(_running) = worker.enter(id) else {
        // Its lease ran out here, or looked so to the queue. The run that is under way keeps the
        // new one alive as well: the queue tells them apart by the message alone.
        worker.metrics.ignore(Ignored::RunningHere);
        return;
    };
    let mut run = Run {
        worker,
        delivery,
        removal: None,
    };
    match run.settle().await {
        Ok(()) => {}
        Err(Error::Read(error @ ReadError::Unreadable { .. })) => run.leave_unread(&error).await,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%id, error, "left to the next delivery");
        }
    }
    if let Some(removal) = run.removal {
        // A task that panicked has said so already.
        let _ = removal.await;
    }
}

struct Run<'a> {
    worker: &'a Arc<Worker>,
    delivery: Delivery,
    removal: Option<JoinHandle<()>>,
}

impl Run<'_> {
    async fn settle(&mut self) -> Result<(), Error> {
        let mut position = if self.delivery.deliveries > 1 {
            self.read().await?
        } else {
            self.delivered()
        };
        loop {
            let at_ms = now_ms();
            let step = claim(&position.execution, &self.worker.config.name, at_ms);
            let appended = match step {
                // Its lease ran out, and yet its worker may only have been cut off for a moment.
                Claim::Start { .. } | Claim::Close { .. }
                    if takeover::is_held(self.worker, self.delivery.id, &position).await =>
                {
                    self.worker.metrics.ignore(Ignored::Held);
                    return Ok(());
                }
                Claim::Start { .. } if !self.worker.has(&self.delivery.submission) => {
                    self.worker.metrics.ignore(Ignored::OtherVersion);
                    return Ok(self.delivery.lease.nak(OTHER_VERSION).await?);
                }
                Claim::Start { attempt, event } => {
                    if self.attempt(attempt, event, position).await? {
                        return Ok(());
                    }
                    None
                }
                Claim::Expire(event) => self.append(&position, &event).await?,
                Claim::Close { attempt, verdict } => {
                    match self.close(&position, attempt, verdict).await? {
                        Some(event) => {
                            failpoint::hit(Point::CloseBefore);
                            let appended = self.append(&position, &event).await?;
                            failpoint::hit(Point::CloseAppended);
                            appended
                        }
                        None => None,
                    }
                }
                Claim::Later(delay) => {
                    self.worker.metrics.ignore(Ignored::TooEarly);
                    return Ok(self.delivery.lease.nak(delay).await?);
                }
                Claim::Ended => {
                    self.worker.metrics.ignore(Ignored::Ended);
                    return self.ended(&position.execution).await;
                }
                Claim::Unknown => return Err(Error::Unknown(self.delivery.id)),
            };
            if let Some(execution) = appended {
                return self.concluded(&execution).await;
            }
            position = self.read().await?;
        }
    }

    /// Something happened to it that this worker cannot read: perhaps a newer one can.
    async fn leave_unread(&self, error: &ReadError) {
        let id = self.delivery.id;
        tracing::error!(
            %id,
            error = error as &dyn std::error::Error,
            "an execution is left to newer workers"
        );
        self.worker.metrics.ignore(Ignored::Unreadable);
        let delay = self.worker.config.unreadable;
        if let Err(error) = self.delivery.lease.nak(delay).await {
            tracing::warn!(%id, %error, "cannot give a message back");
        }
    }

    /// The execution as the delivery alone tells it.
    fn delivered(&self) -> Position {
        let submitted = ExecutionEvent {
            at_ms: self.delivery.at_ms,
            change: Change::Submitted {
                submission: Box::new(self.delivery.submission.clone()),
            },
        };
        Position {
            execution: fold(Execution::default(), &submitted),
            sequence: 0,
        }
    }

    async fn read(&self) -> Result<Position, Error> {
        let log = &self.worker.log;
        let changes = log
            .read_status(self.delivery.id, 0, Freshness::Leader)
            .await?;
        Ok(changes.into_iter().fold(self.delivered(), Position::then))
    }

    /// Appends a change of its own; `None` where somebody was faster.
    async fn append(
        &self,
        position: &Position,
        event: &ExecutionEvent,
    ) -> Result<Option<Execution>, Error> {
        let log = &self.worker.log;
        match log
            .append_status(self.delivery.id, position.sequence, event)
            .await
        {
            Ok(_) => Ok(Some(fold(position.execution.clone(), event))),
            Err(AppendError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The end of an attempt whose worker is lost; `None` where it needs none after all.
    async fn close(
        &self,
        position: &Position,
        attempt: u32,
        verdict: Verdict,
    ) -> Result<Option<ExecutionEvent>, Error> {
        let id = self.delivery.id;
        let output = Box::new(salvage::summary(&self.worker.log, id, attempt).await?);
        let command = match verdict {
            Verdict::Finish(outcome) => Command::Finish {
                attempt,
                outcome,
                measurements: Box::new(self.unmeasured(&position.execution)),
                output,
            },
            Verdict::GiveUp(reason) => Command::GiveUp {
                attempt,
                reason,
                output,
            },
            Verdict::HandBack(reason) => Command::HandBack { attempt, reason },
        };
        let decided = decide(&position.execution, command, now_ms());
        Ok(decided.ok().flatten())
    }

    /// What is known of an attempt whose worker took its figures with it.
    fn unmeasured(&self, execution: &Execution) -> Measurements {
        let started = execution.attempts.last().map(|it| it.started_at_ms);
        Measurements {
            queued_us: started.map_or(0, |it| self.queued_at(it).as_micros() as u64),
            engine: self.worker.engine.name().to_owned(),
            ..Measurements::default()
        }
    }

    fn queued_at(&self, at_ms: u64) -> Duration {
        Duration::from_millis(at_ms.saturating_sub(self.delivery.at_ms))
    }

    /// Runs one attempt. `false` where `started` was refused.
    async fn attempt(
        &mut self,
        number: u32,
        started: ExecutionEvent,
        position: Position,
    ) -> Result<bool, Error> {
        let worker = self.worker;
        let submission = &self.delivery.submission;
        let Some(language) = worker.language(&submission.language) else {
            return Err(Error::Unknown(self.delivery.id));
        };
        let plan = Plan::new(language, submission);
        let setup = Setup {
            queued: self.queued_at(started.at_ms),
            ..setup(number, &plan, submission, worker.engine.name())
        };
        let began = Instant::now();
        let log = worker.log.clone();
        let lease = self.delivery.lease.clone();
        let journal = LogJournal::new(log, self.delivery.id, lease, &worker.config);
        let bench = Bench {
            id: self.delivery.id,
            journal: &journal,
            engine: &worker.engine,
            plan: &plan,
            reuse: self.reuse(&language.id, &plan),
            tracker: &worker.tracker,
            hurry: &worker.hurry,
            heartbeat: worker.config.heartbeat(),
            began,
        };
        worker.metrics.running.inc();
        let mut machine = Attempt::new(setup, position, started);
        if plan.collect.is_some() {
            machine = machine.giving_files_back();
        }
        let driven = drive(bench, machine).await;
        worker.metrics.running.dec();
        self.measure(&driven, began.elapsed());
        self.removal = driven.removal;
        match driven.leave {
            Leave::Concluded(execution) => {
                if execution.end().is_some() {
                    worker.metrics.measured(driven.attempt.measurements());
                }
                self.concluded(&execution).await?;
            }
            Leave::NotClaimed => return Ok(false),
            Leave::Superseded => {
                tracing::warn!(id = %self.delivery.id, "another worker has the execution");
                worker.metrics.ignore(Ignored::Superseded);
            }
            Leave::LeaseLost => {
                tracing::error!(id = %self.delivery.id, "the log was away for too long");
            }
        }
        Ok(true)
    }

    /// Where what the compile step makes is kept, if it may be.
    fn reuse(&self, language: &str, plan: &Plan) -> Option<Reuse> {
        let cache = &self.worker.cache;
        let key = cache.key(language, &plan.compile_plan()?)?;
        Some(Reuse {
            cache: Arc::clone(cache),
            key,
        })
    }

    fn measure(&self, driven: &Driven, total: Duration) {
        let metrics = &self.worker.metrics;
        metrics.output_bytes.inc_by(driven.attempt.output_bytes());
        if let Some(prepared) = driven.prepared {
            metrics.stage(Stage::Prepare, prepared);
        }
        if let Some(over) = driven.over {
            metrics.stage(Stage::Finalize, total.saturating_sub(over));
        }
    }

    /// An attempt came to its end in the log, through us.
    async fn concluded(&self, execution: &Execution) -> Result<(), Error> {
        let language = &self.delivery.submission.language;
        match &execution.state {
            State::Ended(end) => {
                self.worker.metrics.ended(language, &end.outcome);
                self.ended(execution).await
            }
            State::Queued { .. } if execution.attempts.last().is_some_and(|it| it.handed_back) => {
                tracing::info!(id = %self.delivery.id, "handed back");
                self.delivery.lease.nak(Duration::ZERO).await?;
                let queue = self.worker.log.queue();
                Ok(queue
                    .wake(language, self.delivery.submission.priority)
                    .await?)
            }
            State::Queued { not_before_ms, .. } => {
                self.worker.metrics.given_up(language);
                let reason = execution.attempts.last().and_then(|it| it.failure.clone());
                tracing::error!(id = %self.delivery.id, reason, "an attempt was given up");
                let delay = not_before_ms.map_or(0, |it| it.saturating_sub(now_ms()));
                let delay = Duration::from_millis(delay);
                Ok(self.delivery.lease.nak(delay).await?)
            }
            State::Absent | State::Running { .. } => Ok(()),
        }
    }

    /// The execution has ended: the queue need not hold it any longer.
    async fn ended(&self, execution: &Execution) -> Result<(), Error> {
        if let State::Ended(end) = &execution.state
            && let Outcome::SystemError { reason } = &end.outcome
        {
            self.bury(execution, end, reason).await?;
        }
        failpoint::hit(Point::AckBefore);
        self.delivery.lease.ack().await?;
        failpoint::hit(Point::AckAfter);
        Ok(())
    }

    /// Files a dead letter, before the queue forgets the submission.
    async fn bury(&self, execution: &Execution, end: &End, reason: &str) -> Result<(), Error> {
        let letter = DeadLetter {
            at_ms: end.at_ms,
            attempts: execution.attempts.last().map_or(0, |it| it.number),
            reason: reason.to_owned(),
            submission_sequence: self.delivery.stream_sequence,
            redriven: None,
        };
        let log = &self.worker.log;
        let language = &self.delivery.submission.language;
        failpoint::hit(Point::LetterBefore);
        log.append_dead_letter(language, self.delivery.id, &letter)
            .await?;
        failpoint::hit(Point::LetterAppended);
        tracing::error!(id = %self.delivery.id, reason, "an execution was given up for good");
        Ok(())
    }
}

/// What the attempt's machine needs to know.
fn setup(attempt: u32, plan: &Plan, submission: &Submission, engine: &'static str) -> Setup {
    Setup {
        attempt,
        compiles: plan.compile.is_some(),
        caps: plan.caps,
        stdin: submission.stdin.clone(),
        interactive: submission.interactive,
        terminal: submission.terminal,
        engine,
        queued: Duration::ZERO,
    }
}

//! One delivery, from the queue to the end in the log: what the worker's shell does around an
//! attempt, step by step.

use runlog_schemas::{
    Command, Execution, ExecutionEvent, Measurements, Outcome, OutputBatch, State, decide, fold,
};
use runlog_worker::machine::{Claim, Leave, Position, Salvage, Verdict, claim};

use crate::append::Append;
use crate::attempt::Attempting;
use crate::log::{Conflict, MemoryLog};
use crate::op::{Fault, Sabotage};
use crate::program;
use crate::queue::Delivered;

/// Where a run stands.
enum Stage {
    /// It is to be read what happened.
    Read,
    /// It is to be decided what to do.
    Claim(Box<Position>),
    /// A change of the shell's own is on its way.
    Own(Box<Position>, Box<Append>),
    Attempt(Box<Attempting>),
    /// It ended; the dead letter comes before the ack.
    Bury(Box<Execution>),
    Ack,
    /// To be delivered again at that time.
    Nak(u64),
    Over,
}

/// A run of a worker.
pub(crate) struct Run {
    pub(crate) key: u8,
    pub(crate) delivered: Delivered,
    worker: String,
    submitted: ExecutionEvent,
    stage: Stage,
    sabotage: Option<Sabotage>,
}

impl Run {
    pub(crate) fn new(
        key: u8,
        delivered: Delivered,
        worker: &str,
        log: &MemoryLog,
        sabotage: Option<Sabotage>,
    ) -> Option<Self> {
        let submitted = log.at(delivered.sequence)?.event.clone();
        let mut run = Self {
            key,
            delivered,
            worker: worker.to_owned(),
            submitted,
            stage: Stage::Read,
            sabotage,
        };
        if delivered.deliveries == 1 {
            run.stage = Stage::Claim(Box::new(run.position(&[])));
        }
        Some(run)
    }

    /// The execution as the delivery and these changes tell it.
    fn position(&self, changes: &[(u64, ExecutionEvent)]) -> Position {
        let begin = Position {
            execution: fold(Execution::default(), &self.submitted),
            sequence: 0,
        };
        changes
            .iter()
            .fold(begin, |position, (sequence, event)| Position {
                execution: fold(position.execution, event),
                sequence: *sequence,
            })
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    pub(crate) fn attempt(&mut self) -> Option<&mut Attempting> {
        match &mut self.stage {
            Stage::Attempt(attempting) => Some(attempting),
            _ => None,
        }
    }

    /// Goes one step on; `false` where it waits for nothing that could happen.
    pub(crate) fn step(
        &mut self,
        log: &mut MemoryLog,
        now_ms: u64,
        choice: u8,
        fault: Fault,
    ) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Read => self.read(log, fault),
            Stage::Claim(position) => self.claim(*position, log, now_ms),
            Stage::Own(position, append) => self.own(position, append, log, fault),
            Stage::Attempt(mut attempting) => {
                let went = attempting.step(log, now_ms, choice, fault);
                self.stage = Stage::Attempt(attempting);
                self.pump(log, now_ms);
                return went;
            }
            Stage::Bury(execution) => self.bury(&execution, log, fault),
            Stage::Ack => {
                if fault != Fault::RequestLost {
                    log.ack(self.delivered.sequence);
                }
            }
            Stage::Nak(due_ms) => {
                if fault != Fault::RequestLost {
                    log.nak(self.delivered, due_ms.max(now_ms));
                }
            }
            Stage::Over => return false,
        }
        true
    }

    /// Does what an attempt asks for, and goes on behind it.
    pub(crate) fn pump(&mut self, log: &mut MemoryLog, now_ms: u64) {
        let Some(attempting) = self.attempt() else {
            return;
        };
        attempting.pump(log, now_ms);
        if std::mem::take(&mut attempting.keeps_lease) {
            log.progress(self.delivered.sequence, now_ms);
        }
        let Some(leave) = self.attempt().and_then(|it| it.left.take()) else {
            return;
        };
        self.stage = match leave {
            Leave::Concluded(execution) => concluded(*execution, now_ms),
            Leave::NotClaimed => Stage::Read,
            Leave::Superseded | Leave::LeaseLost => Stage::Over,
        };
    }

    /// Gives up what the shell itself asked of the log; the next delivery goes on.
    pub(crate) fn give_up(&mut self) {
        if matches!(self.stage, Stage::Read | Stage::Own(..) | Stage::Bury(_)) {
            self.stage = Stage::Over;
        }
    }

    fn read(&mut self, log: &MemoryLog, fault: Fault) {
        if fault != Fault::None {
            self.stage = Stage::Read;
            return;
        }
        let id = program::id(self.key);
        let changes: Vec<_> = log.events(id).into_iter().skip(1).collect();
        self.stage = Stage::Claim(Box::new(self.position(&changes)));
    }

    fn claim(&mut self, position: Position, log: &mut MemoryLog, now_ms: u64) {
        self.stage = match claim(&position.execution, &self.worker, now_ms) {
            Claim::Start { attempt, event } => {
                let attempting = Attempting::new(self.key, attempt, position, event, now_ms);
                self.start(attempting, log, now_ms);
                return;
            }
            Claim::Expire(event) => own(position, event, log),
            Claim::Close { attempt, verdict } => {
                let output = log.read_output(program::id(self.key));
                match close(&position, (attempt, verdict), &output, now_ms) {
                    Some(event) => own(position, event, log),
                    None => Stage::Read,
                }
            }
            Claim::Later(delay) => {
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(0);
                Stage::Nak(now_ms + delay_ms)
            }
            Claim::Ended => Stage::Bury(Box::new(position.execution)),
            Claim::Unknown => Stage::Over,
        };
    }

    fn start(&mut self, attempting: Attempting, log: &mut MemoryLog, now_ms: u64) {
        if self.sabotage == Some(Sabotage::EarlyAck) {
            log.ack(self.delivered.sequence);
        }
        self.stage = Stage::Attempt(Box::new(attempting));
        self.pump(log, now_ms);
        if self.sabotage == Some(Sabotage::EagerOutput)
            && let Some(attempting) = self.attempt()
        {
            attempting.blurt(log);
        }
    }

    fn own(
        &mut self,
        position: Box<Position>,
        mut append: Box<Append>,
        log: &mut MemoryLog,
        fault: Fault,
    ) {
        let id = program::id(self.key);
        self.stage = match append.attempt(log, id, fault) {
            Some(Ok(_)) => {
                let execution = fold(position.execution, &append.event);
                concluded(execution, append.event.at_ms)
            }
            Some(Err(Conflict)) => Stage::Read,
            None => Stage::Own(position, append),
        };
    }

    fn bury(&mut self, execution: &Execution, log: &mut MemoryLog, fault: Fault) {
        let died = execution
            .end()
            .is_some_and(|end| matches!(end.outcome, Outcome::SystemError { .. }));
        if died && fault != Fault::RequestLost {
            log.append_dead_letter(program::id(self.key), self.delivered.sequence);
        }
        self.stage = if died && fault != Fault::None {
            Stage::Bury(Box::new(execution.clone()))
        } else {
            Stage::Ack
        };
    }
}

/// The end of an attempt whose worker is lost.
fn close(
    position: &Position,
    (attempt, verdict): (u32, Verdict),
    output: &[(u64, OutputBatch)],
    now_ms: u64,
) -> Option<ExecutionEvent> {
    let mut salvage = Salvage::new(attempt);
    for (sequence, batch) in output {
        salvage.push(*sequence, batch);
    }
    let output = Box::new(salvage.finish());
    let command = match verdict {
        Verdict::Finish(outcome) => Command::Finish {
            attempt,
            outcome,
            measurements: Box::new(Measurements::default()),
            output,
        },
        Verdict::GiveUp(reason) => Command::GiveUp {
            attempt,
            reason,
            output,
        },
        Verdict::HandBack(reason) => Command::HandBack { attempt, reason },
    };
    decide(&position.execution, command, now_ms).ok().flatten()
}

fn own(position: Position, event: ExecutionEvent, log: &mut MemoryLog) -> Stage {
    let append = log.begin_append(position.sequence, &event);
    Stage::Own(Box::new(position), Box::new(append))
}

/// An attempt came to its end in the log.
fn concluded(execution: Execution, now_ms: u64) -> Stage {
    match &execution.state {
        State::Ended(_) => Stage::Bury(Box::new(execution)),
        State::Queued { not_before_ms, .. } => Stage::Nak(not_before_ms.unwrap_or(now_ms)),
        State::Absent | State::Running { .. } => Stage::Over,
    }
}

//! One attempt: the worker's own machine, and what it is told by log, sandbox and clock.

use std::collections::VecDeque;
use std::time::Duration;

use runlog_sandbox::{Cause, Collected, OutputStream, StepEnd, Usage};
use runlog_schemas::control::ControlRequest;
use runlog_schemas::{ExecutionEvent, ExecutionId, OutputBatch, Phase, State, fold};
use runlog_worker::machine::{
    Attempt, Breakage, Caps, Event, Leave, Next, Now, Position, Sent, Setup,
};

use crate::append::Append;
use crate::log::{Conflict, MemoryLog};
use crate::op::Fault;
use crate::program::{self, Act};

/// How long a worker insists without an answer.
const LEASE_MS: u64 = 10_000;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Append,
    Read,
    Record,
    Prepared,
    Started,
    Program,
    Timer,
}

/// An attempt that is under way.
pub(crate) struct Attempting {
    key: u8,
    number: u32,
    id: ExecutionId,
    machine: Attempt,
    began_ms: u64,
    /// Never goes back.
    since_start: Duration,
    heard_ms: u64,
    append: Option<Append>,
    read: Option<Position>,
    record: Option<OutputBatch>,
    preparing: bool,
    starting: Option<Phase>,
    program: Option<VecDeque<Act>>,
    /// A sign of life is to be sent.
    pub(crate) keeps_lease: bool,
    pub(crate) left: Option<Leave>,
}

impl Attempting {
    pub(crate) fn new(
        key: u8,
        number: u32,
        position: Position,
        started: ExecutionEvent,
        now_ms: u64,
    ) -> Self {
        let setup = Setup {
            attempt: number,
            compiles: program::compiles(key),
            caps: Caps {
                compiler: 1_000,
                program: 1_000,
            },
            stdin: None,
            interactive: false,
            terminal: None,
            engine: "model",
            queued: Duration::ZERO,
        };
        Self {
            key,
            number,
            id: program::id(key),
            machine: Attempt::new(setup, position, started),
            began_ms: now_ms,
            since_start: Duration::ZERO,
            heard_ms: now_ms,
            append: None,
            read: None,
            record: None,
            preparing: false,
            starting: None,
            program: None,
            keeps_lease: false,
            left: None,
        }
    }

    fn now(&mut self, now_ms: u64) -> Now {
        let since = Duration::from_millis(now_ms - self.began_ms);
        self.since_start = self.since_start.max(since);
        Now {
            since_start: self.since_start,
            at_ms: now_ms,
        }
    }

    fn on(&mut self, now_ms: u64, event: Event) {
        let now = self.now(now_ms);
        self.machine.on(now, event);
    }

    /// Does what the machine asks for, as far as it needs nobody else.
    pub(crate) fn pump(&mut self, log: &mut MemoryLog, now_ms: u64) {
        while let Some(next) = self.machine.take_next() {
            match next {
                Next::Prepare => self.preparing = true,
                Next::Append(event, expected) => {
                    self.append = Some(log.begin_append(expected, &event));
                }
                Next::Read(position) => self.read = Some(*position),
                Next::Start(phase) => self.starting = Some(phase),
                // No program here gives files back.
                Next::Collect => self.on(now_ms, Event::Collected(Collected::default())),
                Next::Kill => {
                    if self.program.take().is_some() {
                        self.ended(now_ms, Cause::Killed);
                    }
                }
                Next::Send(Sent::Bytes(_) | Sent::Eof) => self.on(now_ms, Event::HandedOver),
                Next::Send(Sent::Resize(_) | Sent::Signal(_)) => {}
                Next::KeepLease => self.keeps_lease = true,
                Next::Leave(leave) => {
                    self.left = Some(leave);
                    return;
                }
            }
        }
        self.take_batch(now_ms);
    }

    fn take_batch(&mut self, now_ms: u64) {
        let now = self.now(now_ms);
        if self.record.is_none() {
            self.record = self.machine.batch(now);
        }
    }

    fn ready(&self) -> Vec<Ready> {
        let ready = [
            (self.append.is_some(), Ready::Append),
            (self.read.is_some(), Ready::Read),
            (self.record.is_some(), Ready::Record),
            (self.preparing, Ready::Prepared),
            (self.starting.is_some(), Ready::Started),
            (self.program.is_some(), Ready::Program),
            (
                self.record.is_none() && self.machine.batch_due().is_some(),
                Ready::Timer,
            ),
        ];
        let ready = ready.into_iter().filter(|(is, _)| *is);
        ready.map(|(_, what)| what).collect()
    }

    /// Lets one of the things that can happen happen; `false` where there is none.
    pub(crate) fn step(
        &mut self,
        log: &mut MemoryLog,
        now_ms: u64,
        choice: u8,
        fault: Fault,
    ) -> bool {
        let ready = self.ready();
        let Some(what) = ready.get(usize::from(choice) % ready.len().max(1)) else {
            return false;
        };
        match what {
            Ready::Append => self.step_append(log, now_ms, fault),
            Ready::Read => self.step_read(log, now_ms, fault),
            Ready::Record => self.step_record(log, now_ms, fault),
            Ready::Prepared => {
                self.preparing = false;
                self.on(now_ms, Event::Prepared { warm: true });
            }
            Ready::Started => {
                if let Some(phase) = self.starting.take() {
                    self.program = Some(program::script(self.key, phase));
                    self.on(now_ms, Event::Started);
                }
            }
            Ready::Program => self.step_program(now_ms),
            Ready::Timer => {
                let due = self.machine.batch_due().unwrap_or_default();
                self.since_start = self.since_start.max(due);
                self.take_batch(now_ms);
            }
        }
        true
    }

    /// Nothing was heard; after a lease's time without a word, somebody else has it.
    fn missed(&mut self, now_ms: u64) {
        if now_ms - self.heard_ms >= LEASE_MS {
            self.on(now_ms, Event::LeaseLost);
        }
    }

    fn step_append(&mut self, log: &mut MemoryLog, now_ms: u64, fault: Fault) {
        let Some(mut append) = self.append.take() else {
            return;
        };
        match append.attempt(log, self.id, fault) {
            Some(Ok(sequence)) => {
                self.heard_ms = now_ms;
                self.on(now_ms, Event::Appended { sequence });
            }
            Some(Err(Conflict)) => {
                self.heard_ms = now_ms;
                self.on(now_ms, Event::Conflict);
            }
            None => {
                self.append = Some(append);
                self.missed(now_ms);
            }
        }
    }

    fn step_read(&mut self, log: &MemoryLog, now_ms: u64, fault: Fault) {
        if fault != Fault::None {
            return self.missed(now_ms);
        }
        let Some(position) = self.read.take() else {
            return;
        };
        self.heard_ms = now_ms;
        let after = position.sequence;
        let read = log
            .events(self.id)
            .into_iter()
            .filter(|(sequence, _)| *sequence > after)
            .filter(|(_, event)| event.change.name() != "submitted")
            .fold(position, |position, (sequence, event)| Position {
                execution: fold(position.execution, &event),
                sequence,
            });
        self.on(now_ms, Event::Read(read));
    }

    /// Output has no condition: what went unanswered is sent again.
    fn step_record(&mut self, log: &mut MemoryLog, now_ms: u64, fault: Fault) {
        // After standing still, it looks whether the attempt is still its own.
        if now_ms - self.heard_ms >= LEASE_MS {
            if fault != Fault::None {
                return self.missed(now_ms);
            }
            let state = log.execution(self.id).state;
            if !matches!(state, State::Running { attempt, .. } if attempt == self.number) {
                return self.on(now_ms, Event::LeaseLost);
            }
            self.heard_ms = now_ms;
        }
        let Some(batch) = self.record.take() else {
            return;
        };
        let sequence = match fault {
            Fault::RequestLost => None,
            Fault::None => Some(log.append_output(self.id, &batch)),
            Fault::ReplyLost => {
                log.append_output(self.id, &batch);
                None
            }
        };
        match sequence {
            Some(sequence) => {
                self.heard_ms = now_ms;
                self.on(now_ms, Event::Recorded { sequence });
            }
            None => {
                self.record = Some(batch);
                self.missed(now_ms);
            }
        }
    }

    fn step_program(&mut self, now_ms: u64) {
        match self.program.as_mut().and_then(VecDeque::pop_front) {
            Some(Act::Write(bytes)) => {
                self.on(now_ms, Event::Output(OutputStream::Stdout, bytes));
            }
            Some(Act::Exit(code)) => {
                self.program = None;
                self.ended(now_ms, Cause::Exited { code });
            }
            None => {}
        }
    }

    fn ended(&mut self, now_ms: u64, cause: Cause) {
        let usage = Usage::default();
        self.on(now_ms, Event::Ended(StepEnd { cause, usage }));
    }

    /// The sandbox fails, wherever it is.
    pub(crate) fn break_down(&mut self, now_ms: u64) {
        let busy = self.preparing || self.starting.is_some() || self.program.is_some();
        if busy {
            self.preparing = false;
            self.starting = None;
            self.program = None;
            let words = "the cell is gone".to_owned();
            self.on(now_ms, Event::Broken(Breakage::Other(words)));
        }
    }

    pub(crate) fn beat(&mut self, now_ms: u64) {
        self.on(now_ms, Event::LeaseDue);
    }

    pub(crate) fn shut_down(&mut self, now_ms: u64) {
        self.on(now_ms, Event::Shutdown);
    }

    pub(crate) fn cancel(&mut self, now_ms: u64) {
        let now = self.now(now_ms);
        self.machine.control(now, ControlRequest::Cancel);
    }

    /// Sends what waits at once. For the model's own test.
    pub(crate) fn blurt(&self, log: &mut MemoryLog) {
        if self.append.is_some() {
            let data = runlog_schemas::Data::from("early\n");
            let chunk = runlog_schemas::Chunk {
                number: 0,
                at_us: 0,
                what: runlog_schemas::ChunkKind::Stdout { data },
            };
            let batch = OutputBatch {
                attempt: 1,
                chunks: vec![chunk],
            };
            log.append_output(self.id, &batch);
        }
    }
}

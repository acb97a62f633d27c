//! One attempt as a state machine. Synchronous and pure: [`Attempt::on`] is told what happened,
//! [`Attempt::take_next`] says what to do; whoever drives it does the I/O.
//!
//! It holds the rules that make an execution end exactly once:
//! - nothing that the program wrote goes to the log before `started` is in it;
//! - the end goes to the log only behind the last output, and behind what was folded;
//! - a refused append is no failure: the log is read again, folded, decided.

use std::collections::VecDeque;
use std::time::Duration;

use runlog_sandbox::{Collected, StepEnd, Usage};
use runlog_schemas::control::{ControlRefusal, ControlReply, ControlRequest};
use runlog_schemas::{
    ChunkKind, Command, Data, Execution, ExecutionEvent, Measurements, Outcome, OutputBatch,
    OutputStream, Phase, Refusal, State, TerminalSize, decide, fold,
};

use super::input::{InputQueue, Sent};
use super::outcome::{SHUT_DOWN, Stop, Verdict, judge};
use super::recorder::{Caps, Kept, Recorder};

/// When something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since the start of the attempt.
    pub since_start: Duration,
    /// In milliseconds since 1970.
    pub at_ms: u64,
}

/// An execution, and the last sequence of its `status` subject that went into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// What the events add up to.
    pub execution: Execution,
    /// 0 while nothing stands on the subject.
    pub sequence: u64,
}

impl Position {
    /// The position behind the next event of the subject.
    pub fn then(self, (sequence, event): (u64, ExecutionEvent)) -> Self {
        Self {
            execution: fold(self.execution, &event),
            sequence,
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The change that was to be appended is in the log.
    Appended {
        /// Where.
        sequence: u64,
    },
    /// It is not: somebody else was faster.
    Conflict,
    /// The log was read.
    Read(Position),
    /// The batch that was taken is in the log.
    Recorded {
        /// Where.
        sequence: u64,
    },
    /// The cell is there, with the files in it.
    Prepared {
        /// Whether it had been made before it was needed.
        warm: bool,
    },
    /// The cell is there, with what the compile step had made of the same files before.
    Reused {
        /// Whether it had been made before it was needed.
        warm: bool,
        /// What the compiler had said.
        said: bytes::Bytes,
    },
    /// The step runs.
    Started,
    /// The program wrote something.
    Output(runlog_sandbox::OutputStream, bytes::Bytes),
    /// The step ended, and all of its output has been seen.
    Ended(StepEnd),
    /// What there was of the files that are given back was taken out of the cell.
    Collected(Collected),
    /// The engine failed.
    Broken(Breakage),
    /// Bytes or their end were handed to the program.
    HandedOver,
    /// It is time to say that the run is alive.
    LeaseDue,
    /// Nothing was heard of the log for so long that somebody else has the execution by now.
    LeaseLost,
    /// The worker's time to finish is over.
    Shutdown,
}

/// How an engine failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// The step's program is not there or cannot be executed.
    NoSuchProgram(String),
    /// Anything else, in words.
    Other(String),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take a cell and put the files into it.
    Prepare,
    /// Append to the lifecycle behind that sequence.
    Append(ExecutionEvent, u64),
    /// Read what the log has behind this position, from the leader.
    Read(Box<Position>),
    /// Start the step of that phase.
    Start(Phase),
    /// Take the files that are given back out of the cell.
    Collect,
    /// Kill the step.
    Kill,
    /// Hand something to the program; for bytes and their end, `HandedOver` answers.
    Send(Sent),
    /// Say that the run is alive.
    KeepLease,
    /// Stop, whatever still runs.
    Leave(Leave),
}

/// How an attempt is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Its end is in the log.
    Concluded(Box<Execution>),
    /// `started` was refused; nothing of it is in the log.
    NotClaimed,
    /// Somebody else has the execution, or ended it.
    Superseded,
    /// The log was away for too long.
    LeaseLost,
}

/// What an attempt starts from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its number, from 1.
    pub attempt: u32,
    /// Whether a compile step comes first.
    pub compiles: bool,
    /// How much output is kept.
    pub caps: Caps,
    /// What stands on standard input at the start.
    pub stdin: Option<Data>,
    /// Whether standard input stays open for what viewers type.
    pub interactive: bool,
    /// A terminal of that size instead of pipes.
    pub terminal: Option<TerminalSize>,
    /// The sandbox engine's name.
    pub engine: &'static str,
    /// Time from acceptance to the start of the attempt.
    pub queued: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preparing,
    Starting(Phase),
    Running(Phase),
    Collecting,
    Over,
}

/// One attempt.
pub struct Attempt {
    number: u32,
    compiles: bool,
    position: Position,
    /// The change on its way to the log.
    appending: Option<ExecutionEvent>,
    claimed: bool,
    reading: bool,
    read_again: bool,
    stage: Stage,
    stop: Option<Stop>,
    /// Whether files are given back.
    collects: bool,
    /// What it comes to once files have been taken out.
    after_collecting: Option<Verdict>,
    verdict: Option<Verdict>,
    recorder: Recorder,
    input: InputQueue,
    terminal: Option<TerminalSize>,
    /// A new size for a program that is being started with the old one.
    late_size: Option<TerminalSize>,
    measurements: Measurements,
    todo: VecDeque<Next>,
    left: bool,
    /// Signs of life so far.
    beats: u32,
}

/// Signs of life for one look at the log.
const BEATS_PER_LOOK: u32 = 3;

impl Attempt {
    /// An attempt that begins with `started`, to be appended behind `position`.
    pub fn new(setup: Setup, position: Position, started: ExecutionEvent) -> Self {
        let todo = [
            Next::Append(started.clone(), position.sequence),
            Next::Prepare,
        ];
        Self {
            number: setup.attempt,
            compiles: setup.compiles,
            position,
            appending: Some(started),
            claimed: false,
            reading: false,
            read_again: false,
            stage: Stage::Preparing,
            stop: None,
            collects: false,
            after_collecting: None,
            verdict: None,
            recorder: Recorder::new(setup.attempt, setup.caps),
            input: InputQueue::new(setup.stdin.as_ref(), setup.interactive),
            terminal: setup.terminal,
            late_size: None,
            measurements: Measurements {
                queued_us: micros(setup.queued),
                engine: setup.engine.to_owned(),
                ..Measurements::default()
            },
            todo: todo.into(),
            left: false,
            beats: 0,
        }
    }

    /// What to do next, until it says nothing more.
    pub fn take_next(&mut self) -> Option<Next> {
        if let Some(sent) = self.input.next_typed() {
            self.todo.push_back(Next::Send(sent));
        }
        self.todo.pop_front()
    }

    /// Takes note of what happened.
    pub fn on(&mut self, now: Now, event: Event) {
        if self.left {
            return;
        }
        match event {
            Event::Appended { sequence } => self.appended(sequence),
            Event::Conflict => self.conflict(),
            Event::Read(position) => self.read(position),
            Event::Recorded { sequence } => self.recorder.acknowledged(sequence),
            Event::Prepared { warm } => {
                self.measurements.warm = warm;
                self.start(if self.compiles {
                    Phase::Compile
                } else {
                    Phase::Run
                });
            }
            Event::Reused { warm, said } => self.reused(now, warm, &said),
            Event::Started => self.started(now),
            Event::Output(stream, bytes) => self.output(now, stream, &bytes),
            Event::Ended(end) => self.ended(end),
            Event::Collected(collected) => self.collected(now, collected),
            Event::Broken(breakage) => self.broken(now, breakage),
            Event::HandedOver => {
                if let Some(chunk) = self.input.handed_over() {
                    self.recorder.push(now.since_start, chunk);
                }
            }
            Event::LeaseDue => {
                self.todo.push_back(Next::KeepLease);
                // A cancel is announced to us, but an announcement can be lost.
                if self.beats.is_multiple_of(BEATS_PER_LOOK) {
                    self.look();
                }
                self.beats += 1;
            }
            Event::LeaseLost => self.leave(Leave::LeaseLost),
            Event::Shutdown => self.stop(Stop::Shutdown),
        }
        self.conclude(now);
    }

    /// Answers a viewer, or another worker that wonders whether this one is lost.
    pub fn control(&mut self, now: Now, request: ControlRequest) -> Option<ControlReply> {
        let refused = match request {
            ControlRequest::Alive { attempt } => {
                let ours = attempt == self.number && !self.left;
                return ours.then_some(ControlReply::Applied);
            }
            ControlRequest::Cancel => {
                self.look();
                None
            }
            _ if matches!(self.stage, Stage::Collecting | Stage::Over) => {
                Some(ControlRefusal::Ended)
            }
            ControlRequest::Stdin { data } => self.input.add(&data.0).err(),
            ControlRequest::Eof => self.input.close().err(),
            ControlRequest::Resize { size } => self.resize(now, size).err(),
            ControlRequest::Signal { signal } => self.signal(now, signal).err(),
        };
        Some(match refused {
            None => ControlReply::Applied,
            Some(reason) => ControlReply::Refused { reason },
        })
    }

    /// When [`Attempt::batch`] has something; `None` while only an event can change that.
    pub fn batch_due(&self) -> Option<Duration> {
        if self.claimed {
            self.recorder.due()
        } else {
            None
        }
    }

    /// The next batch of output for the log; `Recorded` answers.
    pub fn batch(&mut self, now: Now) -> Option<OutputBatch> {
        if self.claimed {
            self.recorder.take(now.since_start)
        } else {
            None
        }
    }

    /// Whether more output may be taken from the program.
    pub fn has_room(&self) -> bool {
        self.recorder.has_room()
    }

    /// The size that a terminal has when the program starts.
    pub fn terminal(&self) -> Option<TerminalSize> {
        self.terminal
    }

    /// Whether no step will run any more.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// What the attempt used, as far as it is known.
    pub fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// How much output the log has of it.
    pub fn output_bytes(&self) -> u64 {
        let summary = self.recorder.summary();
        summary.compiler.bytes + summary.stdout.bytes + summary.stderr.bytes
    }
}

mod files;
mod log;
mod steps;

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
pub(super) mod tests;

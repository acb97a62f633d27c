//! Everything that is under way in an attempt, at most one of each; and the wait for whichever
//! comes first.

use futures_util::future::{self, BoxFuture};
use runlog_nats::{ControlListener, Replier};
use runlog_sandbox::{Cell, Collected, Error, Input, KillHandle, Output, Process, StepEnd};
use runlog_schemas::control::ControlRequest;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::attempt::{Breakage, Event, Position};
use super::journal::Failure;
use super::reuse::Prepared;

/// Something that may be under way.
pub(super) type Slot<'a, T> = Option<BoxFuture<'a, T>>;

/// Everything that is under way.
#[derive(Default)]
pub(super) struct Flight<'a> {
    pub(super) append: Slot<'a, Result<u64, Failure>>,
    pub(super) record: Slot<'a, Result<u64, Failure>>,
    pub(super) read: Slot<'a, Result<Position, Failure>>,
    pub(super) listen: Slot<'a, Option<ControlListener>>,
    pub(super) prepare: Slot<'a, Result<Prepared, Error>>,
    pub(super) start: Slot<'static, (Box<dyn Cell>, Result<Process, Error>)>,
    pub(super) collect: Slot<'static, (Box<dyn Cell>, Result<Collected, Error>)>,
    pub(super) send: Slot<'static, ()>,
    pub(super) controls: Option<ControlListener>,
    pub(super) running: Option<Running>,
}

/// A step that runs.
pub(super) struct Running {
    pub(super) output: mpsc::Receiver<Output>,
    pub(super) end: oneshot::Receiver<Result<StepEnd, Error>>,
    pub(super) input: Input,
    pub(super) kill: KillHandle,
}

/// What a wait ended with.
pub(super) enum Woken {
    Event(Event),
    Cell(Box<dyn Cell>, Event),
    Process(Box<dyn Cell>, Process),
    Listening(Option<ControlListener>),
    Control(ControlRequest, Replier),
    /// The time has come that was waited for.
    Time,
}

impl From<Process> for Running {
    fn from(process: Process) -> Self {
        Self {
            output: process.output,
            end: process.end,
            input: process.input,
            kill: process.kill,
        }
    }
}

impl Flight<'_> {
    /// Waits for the next thing to happen, at most until `until`; only names it. Output is taken
    /// only while there is room for it.
    pub(super) async fn wait(&mut self, has_room: bool, until: Instant) -> Woken {
        tokio::select! {
            appended = arrive(&mut self.append) => Woken::Event(match appended {
                Ok(sequence) => Event::Appended { sequence },
                Err(Failure::Conflict) => Event::Conflict,
                Err(Failure::LeaseLost) => Event::LeaseLost,
            }),
            recorded = arrive(&mut self.record) => Woken::Event(match recorded {
                Ok(sequence) => Event::Recorded { sequence },
                Err(_) => Event::LeaseLost,
            }),
            read = arrive(&mut self.read) => Woken::Event(match read {
                Ok(position) => Event::Read(position),
                Err(_) => Event::LeaseLost,
            }),
            prepared = arrive(&mut self.prepare) => match prepared {
                Ok(Prepared { cell, found }) => {
                    let warm = cell.was_parked();
                    let event = match found {
                        Some(compiled) => Event::Reused { warm, said: compiled.said.clone() },
                        None => Event::Prepared { warm },
                    };
                    Woken::Cell(cell, event)
                }
                Err(error) => Woken::Event(Event::Broken(breakage(&error))),
            },
            (cell, started) = arrive(&mut self.start) => match started {
                Ok(process) => Woken::Process(cell, process),
                Err(error) => Woken::Cell(cell, Event::Broken(breakage(&error))),
            },
            (cell, collected) = arrive(&mut self.collect) => Woken::Cell(cell, match collected {
                Ok(collected) => Event::Collected(collected),
                Err(error) => Event::Broken(breakage(&error)),
            }),
            event = step(&mut self.running, has_room) => Woken::Event(event),
            () = arrive(&mut self.send) => Woken::Event(Event::HandedOver),
            listener = arrive(&mut self.listen) => Woken::Listening(listener),
            (request, replier) = ask(&mut self.controls) => Woken::Control(request, replier),
            () = sleep_until(until) => Woken::Time,
        }
    }
}

/// The end of what is under way in a slot; never, if there is nothing.
async fn arrive<T>(slot: &mut Slot<'_, T>) -> T {
    match slot {
        Some(under_way) => {
            let arrived = under_way.await;
            *slot = None;
            arrived
        }
        None => future::pending().await,
    }
}

/// The next output of the step, and its end after all of it.
async fn step(running: &mut Option<Running>, has_room: bool) -> Event {
    let Some(running) = running.as_mut().filter(|_| has_room) else {
        return future::pending().await;
    };
    if let Some(output) = running.output.recv().await {
        return Event::Output(output.stream, output.bytes);
    }
    match (&mut running.end).await {
        Ok(Ok(end)) => Event::Ended(end),
        Ok(Err(error)) => Event::Broken(breakage(&error)),
        Err(_) => Event::Broken(Breakage::Other("the engine forgot the step".to_owned())),
    }
}

async fn ask(controls: &mut Option<ControlListener>) -> (ControlRequest, Replier) {
    if let Some(listener) = controls {
        match listener.next().await {
            Some(asked) => return asked,
            // The client was closed; nobody will ask any more.
            None => *controls = None,
        }
    }
    future::pending().await
}

/// An engine's failure in words, with what lies behind it.
fn breakage(error: &Error) -> Breakage {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    match error {
        Error::NoSuchProgram { .. } => Breakage::NoSuchProgram(words),
        Error::System { .. } | Error::LayerMissing { .. } | Error::CellGone(_) | Error::Closing => {
            Breakage::Other(words)
        }
    }
}

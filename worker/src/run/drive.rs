//! Does the I/O of one attempt.
//!
//! ```text
//! drive ── one task; everything it waits for is in `Flight`
//!   └─ the removal of the cell, on the tracker, beside the last append
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use runlog_nats::{ControlListener, Replier};
use runlog_sandbox::{Cell, Engine, Error, Input, Process, StepEnd, Terminal, WindowSize};
use runlog_schemas::control::ControlRequest;
use runlog_schemas::{ExecutionId, Phase, TerminalSize};
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::{Attempt, Breakage, Event, Leave, Next, Now, Position};
use super::input::Sent;
use super::journal::{Failure, Journal};
use super::plan::Plan;
use crate::clock;

/// What one attempt works with.
pub(crate) struct Bench<'a> {
    pub(crate) id: ExecutionId,
    pub(crate) journal: &'a dyn Journal,
    pub(crate) engine: &'a Arc<dyn Engine>,
    pub(crate) plan: &'a Plan,
    /// Where the removal of the cell goes on when this is done.
    pub(crate) tracker: &'a TaskTracker,
    /// The worker's time to finish is over.
    pub(crate) hurry: &'a CancellationToken,
    /// Time between two signs of life.
    pub(crate) heartbeat: Duration,
    /// When the attempt began.
    pub(crate) began: Instant,
}

/// How an attempt went.
pub(crate) struct Driven {
    pub(crate) leave: Leave,
    pub(crate) attempt: Attempt,
    /// Ends when nothing is left of the cell.
    pub(crate) removal: Option<JoinHandle<()>>,
    /// From the start of the attempt until its cell was ready.
    pub(crate) prepared: Option<Duration>,
    /// From the start of the attempt until its last step had ended.
    pub(crate) over: Option<Duration>,
}

type Slot<'a, T> = Option<BoxFuture<'a, T>>;
type CellAnd<T> = (Box<dyn Cell>, Result<T, Error>);

/// Everything that is under way, at most one of each.
#[derive(Default)]
struct Flight<'a> {
    append: Slot<'a, Result<u64, Failure>>,
    record: Slot<'a, Result<u64, Failure>>,
    read: Slot<'a, Result<Position, Failure>>,
    listen: Slot<'a, Option<ControlListener>>,
    prepare: Slot<'a, Result<Box<dyn Cell>, Error>>,
    start: Slot<'static, CellAnd<Process>>,
    send: Slot<'static, ()>,
    controls: Option<ControlListener>,
    running: Option<Running>,
}

/// A step that runs.
struct Running {
    output: mpsc::Receiver<runlog_sandbox::Output>,
    end: oneshot::Receiver<Result<StepEnd, Error>>,
    input: Input,
    kill: runlog_sandbox::KillHandle,
}

/// What a wait ended with.
enum Woken {
    Event(Event),
    Cell(Box<dyn Cell>, Event),
    Process(Box<dyn Cell>, Process),
    Listening(Option<ControlListener>),
    Control(ControlRequest, Replier),
    BatchDue,
}

/// Drives an attempt until it is left.
pub(crate) async fn drive(bench: Bench<'_>, attempt: Attempt) -> Driven {
    let mut driver = Driver {
        next_heartbeat: bench.began + bench.heartbeat,
        hurried: false,
        flight: Flight {
            // The subscription goes out before `started`, so whoever sees that can talk to us.
            listen: Some(bench.journal.listen()),
            ..Flight::default()
        },
        cell: None,
        driven: Driven {
            leave: Leave::Superseded,
            attempt,
            removal: None,
            prepared: None,
            over: None,
        },
        bench,
    };
    loop {
        while let Some(next) = driver.driven.attempt.next() {
            if let Next::Leave(leave) = next {
                driver.driven.leave = leave;
                driver.remove_cell();
                return driver.driven;
            }
            driver.perform(next).await;
        }
        driver.send_batch();
        if driver.driven.attempt.is_over() {
            driver.remove_cell();
        }
        let woken = driver.wait().await;
        driver.take(woken).await;
    }
}

struct Driver<'a> {
    bench: Bench<'a>,
    flight: Flight<'a>,
    /// The cell, between its steps and while one runs.
    cell: Option<Box<dyn Cell>>,
    next_heartbeat: Instant,
    hurried: bool,
    driven: Driven,
}

impl<'a> Driver<'a> {
    fn now(&self) -> Now {
        Now {
            since_start: self.bench.began.elapsed(),
            at_ms: clock::now_ms(),
        }
    }

    async fn perform(&mut self, next: Next) {
        let journal = self.bench.journal;
        match next {
            Next::Prepare => self.flight.prepare = Some(self.prepare()),
            Next::Append(event, expected) => {
                let append = async move { journal.append(&event, expected).await };
                self.flight.append = Some(append.boxed());
            }
            Next::Read(position) => self.flight.read = Some(journal.read(position)),
            Next::Start(phase) => self.start(phase),
            Next::Kill => {
                if let Some(running) = &self.flight.running {
                    running.kill.kill();
                }
            }
            Next::Send(sent) => self.send(sent).await,
            Next::KeepLease => journal.keep_lease().await,
            // Handled by the loop.
            Next::Leave(_) => {}
        }
    }

    fn prepare(&self) -> BoxFuture<'a, Result<Box<dyn Cell>, Error>> {
        let (engine, plan) = (self.bench.engine, self.bench.plan);
        async move {
            let mut cell = engine.cell(plan.cell.clone()).await?;
            cell.put_files(plan.files.clone()).await?;
            Ok(cell)
        }
        .boxed()
    }

    fn start(&mut self, phase: Phase) {
        // The machine starts steps only after it was told that the cell is there.
        let Some(mut cell) = self.cell.take() else {
            return;
        };
        let mut step = match (phase, &self.bench.plan.compile) {
            (Phase::Compile, Some(compile)) => compile.clone(),
            (Phase::Compile | Phase::Run, _) => self.bench.plan.run.clone(),
        };
        if phase == Phase::Run {
            step.terminal = self
                .driven
                .attempt
                .terminal()
                .map(|size| Terminal { size: window(size) });
        }
        let start = async move {
            let started = cell.start(step).await;
            (cell, started)
        };
        self.flight.start = Some(start.boxed());
    }

    async fn send(&mut self, sent: Sent) {
        let Some(running) = &self.flight.running else {
            return;
        };
        let input = running.input.clone();
        match sent {
            Sent::Bytes(bytes) => {
                self.flight.send = Some(async move { input.write(bytes).await }.boxed());
            }
            Sent::Eof => self.flight.send = Some(async move { input.eof().await }.boxed()),
            Sent::Resize(size) => input.resize(window(size)).await,
            Sent::Signal(signal) => input.signal(signal).await,
        }
    }

    fn send_batch(&mut self) {
        let now = self.now();
        if let Some(batch) = self.driven.attempt.batch(now) {
            let journal = self.bench.journal;
            let record = async move { journal.record(&batch).await };
            self.flight.record = Some(record.boxed());
        }
    }

    /// Removes the cell beside whatever is still to be done.
    fn remove_cell(&mut self) {
        self.driven.over.get_or_insert(self.bench.began.elapsed());
        let Some(cell) = self.cell.take() else {
            return;
        };
        let id = self.bench.id;
        self.driven.removal = Some(self.bench.tracker.spawn(async move {
            if let Err(error) = cell.destroy().await {
                tracing::error!(%id, %error, "a cell could not be removed");
            }
        }));
    }

    /// Waits for the next thing to happen; only names it.
    async fn wait(&mut self) -> Woken {
        let flight = &mut self.flight;
        let batch_due = self.driven.attempt.batch_due();
        let has_room = self.driven.attempt.has_room();
        tokio::select! {
            appended = arrive(&mut flight.append) => Woken::Event(match appended {
                Ok(sequence) => Event::Appended { sequence },
                Err(Failure::Conflict) => Event::Conflict,
                Err(Failure::LeaseLost) => Event::LeaseLost,
            }),
            recorded = arrive(&mut flight.record) => Woken::Event(match recorded {
                Ok(sequence) => Event::Recorded { sequence },
                Err(_) => Event::LeaseLost,
            }),
            read = arrive(&mut flight.read) => Woken::Event(match read {
                Ok(position) => Event::Read(position),
                Err(_) => Event::LeaseLost,
            }),
            prepared = arrive(&mut flight.prepare) => match prepared {
                Ok(cell) => {
                    let warm = cell.was_parked();
                    Woken::Cell(cell, Event::Prepared { warm })
                }
                Err(error) => Woken::Event(Event::Broken(breakage(&error))),
            },
            (cell, started) = arrive(&mut flight.start) => match started {
                Ok(process) => Woken::Process(cell, process),
                Err(error) => Woken::Cell(cell, Event::Broken(breakage(&error))),
            },
            event = step(&mut flight.running, has_room) => Woken::Event(event),
            () = arrive(&mut flight.send) => Woken::Event(Event::HandedOver),
            listener = arrive(&mut flight.listen) => Woken::Listening(listener),
            (request, replier) = ask(&mut flight.controls) => Woken::Control(request, replier),
            () = until(batch_due.map(|due| self.bench.began + due)) => Woken::BatchDue,
            () = sleep_until(self.next_heartbeat) => {
                self.next_heartbeat = Instant::now() + self.bench.heartbeat;
                Woken::Event(Event::LeaseDue)
            }
            () = self.bench.hurry.cancelled(), if !self.hurried => {
                self.hurried = true;
                Woken::Event(Event::Shutdown)
            }
        }
    }

    async fn take(&mut self, woken: Woken) {
        let now = self.now();
        let attempt = &mut self.driven.attempt;
        match woken {
            Woken::Event(event) => {
                if matches!(event, Event::Ended(_) | Event::Broken(_)) {
                    self.flight.running = None;
                }
                attempt.on(now, event);
            }
            Woken::Cell(cell, event) => {
                self.cell = Some(cell);
                if matches!(event, Event::Prepared { .. }) {
                    self.driven.prepared = Some(now.since_start);
                }
                attempt.on(now, event);
            }
            Woken::Process(cell, process) => {
                self.cell = Some(cell);
                self.flight.running = Some(Running {
                    output: process.output,
                    end: process.end,
                    input: process.input,
                    kill: process.kill,
                });
                attempt.on(now, Event::Started);
            }
            Woken::Listening(listener) => self.flight.controls = listener,
            Woken::Control(request, replier) => {
                let answer = attempt.control(now, request);
                if let Err(error) = replier.reply(&answer).await {
                    tracing::warn!(id = %self.bench.id, %error, "cannot answer a viewer");
                }
            }
            Woken::BatchDue => {}
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
    let Some(running) = running else {
        return future::pending().await;
    };
    if !has_room {
        return future::pending().await;
    }
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

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => future::pending().await,
    }
}

const fn window(size: TerminalSize) -> WindowSize {
    WindowSize {
        columns: size.columns,
        rows: size.rows,
    }
}

/// An engine's failure in words, with what lies behind it.
pub(crate) fn breakage(error: &Error) -> Breakage {
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
        Error::System { .. } | Error::CellGone(_) | Error::Closing => Breakage::Other(words),
    }
}

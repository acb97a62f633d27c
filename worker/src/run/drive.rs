//! Does the I/O of one attempt.
//!
//! ```text
//! drive ── one task; everything it waits for is in `Flight`
//!   └─ the removal of the cell, on the tracker, beside the last append
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use runlog_nats::now_ms;
use runlog_sandbox::{Cell, Engine, Error, Terminal, WindowSize};
use runlog_schemas::{ExecutionId, Phase, TerminalSize};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::{Attempt, Event, Leave, Next, Now};
use super::flight::{Flight, Woken};
use super::input::Sent;
use super::journal::Journal;
use super::plan::Plan;
use super::reuse::{self, Keeps, Prepared, Reuse};

/// What one attempt works with.
pub(crate) struct Bench<'a> {
    pub(crate) id: ExecutionId,
    pub(crate) journal: &'a dyn Journal,
    pub(crate) engine: &'a Arc<dyn Engine>,
    pub(crate) plan: &'a Plan,
    /// Where what the compile step makes may have been kept, and will be.
    pub(crate) reuse: Option<Reuse>,
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
        said: None,
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
        while let Some(next) = driver.driven.attempt.take_next() {
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
    /// What the compiler has said so far, while it runs.
    said: Option<Vec<u8>>,
    next_heartbeat: Instant,
    hurried: bool,
    driven: Driven,
}

impl<'a> Driver<'a> {
    fn now(&self) -> Now {
        Now {
            since_start: self.bench.began.elapsed(),
            at_ms: now_ms(),
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
            Next::Read(position) => self.flight.read = Some(journal.read(*position)),
            Next::Start(phase) => self.start(phase),
            Next::Collect => self.collect(),
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

    fn prepare(&self) -> BoxFuture<'a, Result<Prepared, Error>> {
        let (engine, plan) = (self.bench.engine, self.bench.plan);
        let reuse = self.bench.reuse.clone();
        async move {
            let (cell, found) = tokio::join!(engine.cell(plan.cell.clone()), reuse::find(&reuse));
            let mut cell = cell?;
            if plan.gives_way {
                cell.give_way()?;
            }
            cell.put_files(plan.files.clone()).await?;
            if let Some(compiled) = &found {
                cell.put_files(compiled.files.clone()).await?;
            }
            Ok(Prepared { cell, found })
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
        let keeps = self.keeps();
        self.said = (phase == Phase::Compile).then(Vec::new);
        let start = async move {
            if let Some(keeps) = keeps {
                keeps.take(&mut cell).await;
            }
            let started = cell.start(step).await;
            (cell, started)
        };
        self.flight.start = Some(start.boxed());
    }

    fn collect(&mut self) {
        // Asked for only where the plan has it, and once the step has ended.
        let (Some(mut cell), Some(wanted)) = (self.cell.take(), &self.bench.plan.collect) else {
            return;
        };
        let wanted = wanted.clone();
        let collect = async move {
            let collected = cell.collect(wanted).await;
            (cell, collected)
        };
        self.flight.collect = Some(collect.boxed());
    }

    /// What is to be kept of the compile step that has just ended well, before the program that it
    /// made can touch any of it.
    fn keeps(&mut self) -> Option<Keeps> {
        let said = self.said.take()?;
        let reuse = self.bench.reuse.clone()?;
        Some(Keeps {
            reuse,
            said,
            sources: self.bench.plan.files.clone(),
            tracker: self.bench.tracker.clone(),
        })
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

    async fn wait(&mut self) -> Woken {
        let attempt = &self.driven.attempt;
        let batch = attempt.batch_due().map(|due| self.bench.began + due);
        let until = batch.map_or(self.next_heartbeat, |at| at.min(self.next_heartbeat));
        tokio::select! {
            woken = self.flight.wait(attempt.has_room(), until) => woken,
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
                if let (Event::Output(_, bytes), Some(said)) = (&event, &mut self.said) {
                    said.extend_from_slice(bytes);
                }
                if matches!(event, Event::Ended(_) | Event::Broken(_)) {
                    self.flight.running = None;
                }
                attempt.on(now, event);
            }
            Woken::Cell(cell, event) => {
                self.cell = Some(cell);
                if matches!(event, Event::Prepared { .. } | Event::Reused { .. }) {
                    self.driven.prepared = Some(now.since_start);
                }
                attempt.on(now, event);
            }
            Woken::Process(cell, process) => {
                self.cell = Some(cell);
                self.flight.running = Some(process.into());
                attempt.on(now, Event::Started);
            }
            Woken::Listening(listener) => self.flight.controls = listener,
            Woken::Control(request, replier) => {
                let Some(answer) = attempt.control(now, request) else {
                    return;
                };
                if let Err(error) = replier.reply(&answer).await {
                    tracing::warn!(id = %self.bench.id, %error, "cannot answer a viewer");
                }
            }
            // A batch that is due is taken anyway, before the next wait.
            Woken::Time if self.next_heartbeat <= Instant::now() => {
                self.next_heartbeat = Instant::now() + self.bench.heartbeat;
                attempt.on(now, Event::LeaseDue);
            }
            Woken::Time => {}
        }
    }
}

const fn window(size: TerminalSize) -> WindowSize {
    WindowSize {
        columns: size.columns,
        rows: size.rows,
    }
}

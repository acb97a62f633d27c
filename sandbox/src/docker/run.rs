//! A step from its start to its end.
//!
//! ```text
//! supervise ── hears the reader, the kernel, the clocks and the kill handle; decides the cause
//!   ├─ reader ── hands over output until init says that the step is over
//!   └─ feed ── sends input, on credit, until over
//! ```

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{Body, Parts, nonsense};
use super::config::Runtime;
use super::handing_over::HandingOver;
use super::link::{Reports, Requests};
use super::protocol::{CREDIT, Report, Request};
use super::{Shared, ending};
use crate::engine::{Control, InputEnd, Typed};
use crate::native::body::failed;
use crate::native::init::EXECUTING;
use crate::native::protocol::{Go, Over};
use crate::native::verdict::{Event, Next, Verdict};
use crate::{CellFile, Error, Input, KillHandle, Output, Process, Step, StepEnd};

/// Chunks of output that wait for whoever reads them; then the program waits.
const WAITING_OUTPUT: usize = 4;

/// How long a killed step may take to be gone before the whole container is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most input that is sent at once.
const PIECE: usize = 16 << 10;

/// Processes of a container that are not the program's: its init.
const OWN_PROCESSES: u32 = 1;

/// How a step ended, from the reader.
type Ended = io::Result<(Over, Duration)>;

/// The sides of a step that its supervisor talks to.
struct Sides {
    input: mpsc::Receiver<Control>,
    kills: mpsc::Receiver<()>,
    ended: oneshot::Receiver<Ended>,
    has_terminal: bool,
    /// Nobody waits for whoever reads the output any more.
    hurry: CancellationToken,
    over: CancellationToken,
    pumps: TaskTracker,
}

/// Starts a step in a container. The body comes back through the second value once it is over.
pub(super) async fn start(
    shared: &Arc<Shared>,
    mut body: Body,
    files: Vec<CellFile>,
    step: Step,
) -> Result<(Process, oneshot::Receiver<Body>), (Body, Error)> {
    let reports = match go(body.parts(), files, &step).await {
        Ok(reports) => reports,
        Err(error) => return Err((body, error)),
    };
    // Not before: init measures from the fork, and no step may run out of a time that it did not have.
    let started = Instant::now();
    let (output_sender, output) = mpsc::channel(WAITING_OUTPUT);
    let (input, InputEnd { typed, control }) = Input::new();
    let (kill, kills) = KillHandle::new();
    let (over, pumps) = (CancellationToken::new(), TaskTracker::new());
    let credit = Arc::new(Semaphore::new(CREDIT));
    let requests = body.parts().requests.clone();
    let has_terminal = step.terminal.is_some();
    let feeding = feed(typed, requests, Arc::clone(&credit), has_terminal);
    let feeding_over = over.clone();
    pumps.spawn(async move {
        tokio::select! {
            biased;
            () = feeding_over.cancelled() => {}
            () = feeding => {}
        }
    });
    let (ended_sender, ended) = oneshot::channel();
    let hurry = CancellationToken::new();
    let handing_over = HandingOver::new(output_sender, hurry.clone());
    let reading = pumps.spawn(read(reports, handing_over, credit, ended_sender));
    let (end_sender, end) = oneshot::channel();
    let (body_sender, body_back) = oneshot::channel();
    let (for_step, mut sides) = (
        Arc::clone(shared),
        Sides {
            input: control,
            kills,
            ended,
            has_terminal,
            hurry,
            over,
            pumps,
        },
    );
    shared.tasks.spawn(async move {
        let result = supervise(&for_step, body.parts(), &step, started, &mut sides).await;
        sides.over.cancel();
        sides.pumps.close();
        sides.pumps.wait().await;
        // Ready at once, as all pumps are done.
        let read = reading.await;
        let (reports, rest) = read.map_or((None, None), |(reports, rest)| (reports, Some(rest)));
        body.parts().reports = reports;
        // A cell that is being dropped does not wait for it.
        let _ = body_sender.send(body);
        if let Some(rest) = rest {
            rest.finish().await;
        }
        // Whoever started the step may have gone away.
        let _ = end_sender.send(result);
    });
    Ok((
        Process {
            output,
            input,
            kill,
            end,
        },
        body_back,
    ))
}

/// Sets the limits, says go and waits until the program runs.
async fn go(parts: &mut Parts, files: Vec<CellFile>, step: &Step) -> Result<Reports, Error> {
    let (own, processes) = match parts.runtime {
        Runtime::Runc => (Some(OWN_PROCESSES), None),
        // Its processes are known to its own kernel alone.
        Runtime::Runsc => (None, Some(step.limits.processes + OWN_PROCESSES)),
    };
    let limited = parts.accounts.limit(&step.limits, own);
    limited.map_err(failed("setting the step's limits"))?;
    let go = request(files, step)?;
    let mut reports = parts
        .reports
        .take()
        .ok_or_else(|| Error::CellGone("its streams ended".to_owned()))?;
    parts.requests.send(&Request::Go { go, processes }).await;
    let doing = "starting a step";
    loop {
        match reports.next().await.map_err(failed(doing))? {
            Report::Started => return Ok(reports),
            // Of input that the last step never read.
            Report::Taken(_) => {}
            Report::Failed(failure) => {
                parts.reports = Some(reports);
                return Err(if failure.doing == EXECUTING {
                    no_such_program(step, io::Error::from_raw_os_error(failure.errno))
                } else {
                    failure.into_error()
                });
            }
            _ => return Err(nonsense()),
        }
    }
}

fn request(files: Vec<CellFile>, step: &Step) -> Result<Go, Error> {
    let strings = |texts: Vec<String>| -> Result<Vec<CString>, Error> {
        let all: Result<_, _> = texts.into_iter().map(CString::new).collect();
        all.map_err(|error| no_such_program(step, error.into()))
    };
    let env = step.env.iter();
    let env = env.map(|(name, value)| format!("{name}={value}")).collect();
    Ok(Go {
        files,
        argv: strings(step.argv.clone())?,
        // Nothing is started in advance here.
        words: None,
        env: strings(env)?,
        file_bytes: step.limits.file_bytes,
        terminal: step.terminal,
    })
}

fn no_such_program(step: &Step, source: io::Error) -> Error {
    Error::NoSuchProgram {
        program: step.argv.first().cloned().unwrap_or_default(),
        source,
    }
}

/// Reads until init says that the step is over, or is silent for good: then the reports do not
/// come back.
async fn read(
    mut reports: Reports,
    mut output: HandingOver,
    credit: Arc<Semaphore>,
    ended: oneshot::Sender<Ended>,
) -> (Option<Reports>, HandingOver) {
    let broken = loop {
        match reports.next().await {
            Ok(Report::Output {
                stream,
                since_start,
                bytes,
            }) => {
                let chunk = Output {
                    stream,
                    bytes,
                    since_start,
                };
                output.push(chunk).await;
            }
            Ok(Report::Taken(bytes)) => credit.add_permits(bytes as usize),
            Ok(Report::Over { over, wall }) => {
                let _ = ended.send(Ok((over, wall)));
                return (Some(reports), output);
            }
            Ok(Report::Failed(failure)) => break io::Error::other(failure.into_error()),
            Ok(Report::Ready | Report::Started) => {
                break io::Error::new(io::ErrorKind::InvalidData, "init spoke nonsense");
            }
            Err(error) => break error,
        }
    };
    let _ = ended.send(Err(broken));
    (None, output)
}

/// Sends typed bytes as far as there is credit; whoever types never notices more than waiting.
async fn feed(
    mut typed: mpsc::Receiver<Typed>,
    requests: Requests,
    credit: Arc<Semaphore>,
    has_terminal: bool,
) {
    while let Some(typed) = typed.recv().await {
        match typed {
            Typed::Eof => requests.send(&Request::Eof).await,
            Typed::Bytes(bytes) => {
                let mut rest: Bytes = bytes;
                while !rest.is_empty() {
                    let piece = rest.split_to(rest.len().min(PIECE));
                    let granted = credit.acquire_many(piece.len() as u32).await;
                    let Ok(granted) = granted else { return };
                    granted.forget();
                    requests.send(&Request::Input(piece)).await;
                }
            }
        }
    }
    // Nobody can type any more, which on a terminal is no end of file.
    if !has_terminal {
        requests.send(&Request::Eof).await;
    }
}

async fn supervise(
    shared: &Shared,
    parts: &mut Parts,
    step: &Step,
    started: Instant,
    sides: &mut Sides,
) -> Result<StepEnd, Error> {
    let mut verdict = Verdict::new(step.limits.cpu);
    let wall = tokio::time::sleep_until((started + step.limits.wall).into());
    tokio::pin!(wall);
    let mut wall_rang = false;
    let mut check = started + verdict.next_check(Duration::ZERO);
    let mut silent = None;
    let mut took = None;
    let over = loop {
        let event = tokio::select! {
            biased;
            ended = &mut sides.ended, if silent.is_none() => match ended {
                Ok(Ok((over, wall))) => {
                    took = Some(wall);
                    Event::Over(over)
                }
                Ok(Err(error)) => {
                    silent = Some(error);
                    Event::Gone
                }
                Err(_) => {
                    silent = Some(io::ErrorKind::BrokenPipe.into());
                    Event::Gone
                }
            },
            Some(()) = sides.kills.recv() => Event::KillAsked,
            Some(control) = sides.input.recv() => {
                steer(parts, sides.has_terminal, control);
                continue;
            }
            () = &mut wall, if !wall_rang => {
                wall_rang = true;
                Event::WallRang
            }
            () = memory_event(&parts.memory_events) => Event::MemoryFull,
            () = tokio::time::sleep_until(check.into()) => match ending::used(parts) {
                Some((cpu, memory_kills)) => Event::Checked { cpu, memory_kills },
                // The container is gone, which the reader is about to notice.
                None => {
                    check = Instant::now() + PATIENCE;
                    continue;
                }
            },
        };
        match verdict.on(event) {
            Next::Wait => {}
            Next::CheckIn(time) => check = Instant::now() + time,
            Next::Kill => {
                sides.hurry.cancel();
                kill_step(parts);
                check = Instant::now() + PATIENCE;
            }
            Next::KillCell => {
                parts.kill();
                check = Instant::now() + PATIENCE;
            }
            Next::End(over) => break over,
        }
    };
    let wall = took.unwrap_or_else(|| started.elapsed());
    match silent {
        None => ending::add_up(parts, &verdict, over.as_ref(), wall),
        Some(error) => ending::explain(shared, parts, &verdict, wall, error).await,
    }
}

/// Everything of the step dies, whether init hears us or not; init reaps and reports it.
fn kill_step(parts: &Parts) {
    parts.requests.send_at_once(&Request::Kill);
    if parts.runtime == Runtime::Runc {
        // If the group is not there, nobody of the step is.
        let _ = parts.accounts.kill_all_but(parts.init);
    }
}

/// Waits for the kernel to say that the memory limit was reached.
async fn memory_event(events: &AsyncFd<OwnedFd>) {
    let read = events.async_io(tokio::io::Interest::READABLE, |fd| {
        Ok(rustix::io::read(fd, &mut [0_u8; 1024])?)
    });
    if read.await.is_err() {
        // The counter is read at the end anyway.
        std::future::pending::<()>().await;
    }
}

/// Passes on what is not bytes.
fn steer(parts: &Parts, has_terminal: bool, control: Control) {
    match control {
        Control::Resize(_) if !has_terminal => {}
        Control::Resize(size) => parts.requests.send_at_once(&Request::Resize(size)),
        Control::Signal(signal) => parts.requests.send_at_once(&Request::Signal {
            signal,
            to_foreground: has_terminal,
        }),
    }
}

//! A step from its start to its end.
//!
//! ```text
//! supervise ── hears init, the kernel, the clocks and the kill handle; decides the cause
//!   ├─ pump (one per output stream) ── until over, then what is left
//!   └─ feed ── until over
//! ```

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{Body, Parts, failed};
use super::channel::Channel;
use super::primed::Primed;
use super::protocol::{Go, Over, expect, kind, write_signal};
use super::streams::{self, Pipes, Sink};
use super::verdict::{Event, Next, Verdict};
use super::weaken::{self, Weakening};
use super::wire::{Failure, Reader};
use super::{init, sys};
use crate::engine::{Control, InputEnd, Typed};
use crate::{
    Cause, CellFile, Error, Input, KillHandle, Output, OutputStream, Process, Step, StepEnd, Usage,
};

/// Chunks of output that wait for whoever reads them; then the program waits.
const WAITING_OUTPUT: usize = 4;

/// How long a killed step may take to be gone before the whole cell is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sides of a step that its supervisor talks to.
struct Sides {
    input: mpsc::Receiver<Control>,
    kills: mpsc::Receiver<()>,
    terminal: Option<Arc<AsyncFd<OwnedFd>>>,
    over: CancellationToken,
    pumps: TaskTracker,
}

/// Starts a step in a cell. The body comes back through the second value once the step is over.
pub(super) async fn start(
    tasks: &TaskTracker,
    mut body: Body,
    files: Vec<CellFile>,
    step: Step,
) -> Result<(Process, oneshot::Receiver<Body>), (Body, Error)> {
    let (output_sender, output) = mpsc::channel(WAITING_OUTPUT);
    let (input, InputEnd { typed, control }) = Input::new();
    let (kill, kills) = KillHandle::new();
    let (over, pumps) = (CancellationToken::new(), TaskTracker::new());
    let mut sides = Sides {
        input: control,
        kills,
        terminal: None,
        over,
        pumps,
    };
    let flow = (typed, output_sender);
    let started = match begin(body.parts(), files, &step, &mut sides, flow).await {
        Ok(started) => started,
        Err(error) => {
            sides.over.cancel();
            return Err((body, error));
        }
    };
    let (end_sender, end) = oneshot::channel();
    let (body_sender, body_back) = oneshot::channel();
    tasks.spawn(async move {
        let mut sides = sides;
        let result = supervise(body.parts(), &step, started, &mut sides).await;
        // A cell that is being dropped does not wait for it.
        let _ = body_sender.send(body);
        sides.over.cancel();
        sides.pumps.close();
        sides.pumps.wait().await;
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

/// Has the primed process begin; gives the time at which it was told to.
async fn begin(
    parts: &mut Parts,
    files: Vec<CellFile>,
    step: &Step,
    sides: &mut Sides,
    (typed, output): (mpsc::Receiver<Typed>, mpsc::Sender<Output>),
) -> Result<Instant, Error> {
    let request = request(files, step)?;
    let primed = ready(parts, step).await?;
    let started = Instant::now();
    let is_runtime = primed.is_runtime();
    let gone = go(primed, &request, step, sides, (typed, output, started)).await;
    if gone.is_err() && is_runtime {
        parts.discard(true).await?;
    } else if gone.is_err() {
        // The process ends without having become a program, and init says that it is over.
        let _ = parts.control.expect().await;
    }
    gone.map(|()| started)
}

/// Sets the limits and makes sure that a process is primed that can do the step.
async fn ready(parts: &mut Parts, step: &Step) -> Result<Primed, Error> {
    let runtime = step.warm.as_ref().map(|warm| warm.runtime);
    parts
        .choose(runtime.filter(|_| step.terminal.is_none()))
        .await?;
    parts
        .group
        .limit(&step.limits)
        .map_err(failed("setting the step's limits"))?;
    let primed = parts.primed.take();
    parts.may_be_crowded = true;
    primed.ok_or_else(|| Error::CellGone("nothing is primed".into()))
}

/// Says go and waits until the program runs.
async fn go(
    primed: Primed,
    request: &[u8],
    step: &Step,
    sides: &mut Sides,
    (typed, output, started): (mpsc::Receiver<Typed>, mpsc::Sender<Output>, Instant),
) -> Result<(), Error> {
    let doing = "starting a step";
    let Primed {
        channel, runtime, ..
    } = primed;
    let pump = |source, stream| {
        let (output, over) = (output.clone(), sides.over.clone());
        sides
            .pumps
            .spawn(streams::pump(source, stream, started, output, over));
    };
    let sink = if step.terminal.is_none() {
        let pipes = match runtime {
            Some(pipes) => {
                channel.send(request, &[]).await.map_err(failed(doing))?;
                pipes
            }
            None => {
                let (pipes, theirs) = Pipes::new().map_err(failed(doing))?;
                let fds = theirs.each_ref().map(AsFd::as_fd);
                channel.send(request, &fds).await.map_err(failed(doing))?;
                pipes
            }
        };
        pump(Arc::new(pipes.stdout), OutputStream::Stdout);
        pump(Arc::new(pipes.stderr), OutputStream::Stderr);
        Sink::Pipe(pipes.stdin)
    } else {
        channel.send(request, &[]).await.map_err(failed(doing))?;
        let answer = channel.expect().await.map_err(failed(doing))?;
        expect(&answer.bytes, kind::TERMINAL).map_err(Failure::into_error)?;
        let master = answer.into_fd().and_then(sys::watch);
        let master = Arc::new(master.map_err(failed(doing))?);
        sides.terminal = Some(Arc::clone(&master));
        pump(Arc::clone(&master), OutputStream::Stdout);
        Sink::Terminal(master)
    };
    let feed = streams::feed(sink, typed, sides.over.clone());
    sides.pumps.spawn(feed);
    executed(&channel, step).await
}

fn request(files: Vec<CellFile>, step: &Step) -> Result<Vec<u8>, Error> {
    let strings = |texts: Vec<String>| -> Result<Vec<CString>, Error> {
        let all: Result<_, _> = texts.into_iter().map(CString::new).collect();
        all.map_err(|error| no_such_program(step, error.into()))
    };
    let words = step.warm.as_ref().map(|warm| warm.words.clone());
    let env = step.env.iter();
    let env = env.map(|(name, value)| format!("{name}={value}")).collect();
    let go = Go {
        files,
        argv: strings(step.argv.clone())?,
        words: words.map(strings).transpose()?,
        env: strings(env)?,
        file_bytes: step.limits.file_bytes,
        terminal: step.terminal,
    };
    Ok(go.write())
}

/// Exec closes the other end; anything else is the reason why there was none.
async fn executed(primed: &Channel, step: &Step) -> Result<(), Error> {
    let answer = primed.receive().await;
    let Some(answer) = answer.map_err(failed("starting a step"))? else {
        return Ok(());
    };
    Err(match expect(&answer.bytes, kind::READY) {
        Err(failure) if failure.doing == init::EXECUTING => {
            no_such_program(step, io::Error::from_raw_os_error(failure.errno))
        }
        Err(failure) => failure.into_error(),
        Ok(_) => Error::CellGone("a step spoke nonsense".into()),
    })
}

fn no_such_program(step: &Step, source: io::Error) -> Error {
    Error::NoSuchProgram {
        program: step.argv.first().cloned().unwrap_or_default(),
        source,
    }
}

async fn supervise(
    parts: &mut Parts,
    step: &Step,
    started: Instant,
    sides: &mut Sides,
) -> Result<StepEnd, Error> {
    let mut verdict = Verdict::new(step.limits.cpu);
    let late = if weaken::is(Weakening::LateClock) {
        3
    } else {
        0
    };
    let wall = started + step.limits.wall + Duration::from_secs(late);
    let wall = tokio::time::sleep_until(wall.into());
    tokio::pin!(wall);
    let mut wall_rang = false;
    let mut check = started + verdict.next_check(Duration::ZERO);
    let over = loop {
        let event = tokio::select! {
            biased;
            message = parts.control.receive() => match message {
                Ok(Some(message)) => Event::Over(over(&message.bytes)?),
                Ok(None) | Err(_) => Event::Gone,
            },
            Some(()) = sides.kills.recv() => Event::KillAsked,
            Some(control) = sides.input.recv() => {
                steer(parts, sides, control).await;
                continue;
            }
            () = &mut wall, if !wall_rang => {
                wall_rang = true;
                Event::WallRang
            }
            () = memory_event(&parts.memory_events) => Event::MemoryFull,
            () = tokio::time::sleep_until(check.into()) => {
                Event::Checked { cpu: cpu(parts)?, memory_kills: memory_kills(parts)? }
            }
        };
        match verdict.on(event) {
            Next::Wait => {}
            Next::CheckIn(time) => check = Instant::now() + time,
            Next::Kill => {
                let init = parts.init;
                parts
                    .group
                    .kill_steps(init)
                    .map_err(failed("killing a step"))?;
                check = Instant::now() + PATIENCE;
            }
            Next::KillCell => {
                parts.group.kill_all().map_err(failed("killing a cell"))?;
                check = Instant::now() + PATIENCE;
            }
            Next::End(over) => break over,
        }
    };
    let wall = started.elapsed();
    finish(parts, &verdict, over.as_ref(), wall)
}

fn over(message: &[u8]) -> Result<Over, Error> {
    let mut reader: Reader<'_> = expect(message, kind::OVER).map_err(Failure::into_error)?;
    Over::read(&mut reader).map_err(failed("reading how a step ended"))
}

/// CPU time of this step so far.
fn cpu(parts: &Parts) -> Result<Duration, Error> {
    let now = parts.group.cpu().map_err(failed("reading CPU time"))?;
    Ok(now.since(parts.cpu_before).total())
}

/// Processes of this step that the kernel killed for want of memory.
fn memory_kills(parts: &Parts) -> Result<u64, Error> {
    let all = parts
        .group
        .memory_kills()
        .map_err(failed("reading the memory events"))?;
    Ok(all.saturating_sub(parts.memory_kills_before))
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
async fn steer(parts: &Parts, sides: &Sides, control: Control) {
    match (control, &sides.terminal) {
        (Control::Resize(size), Some(terminal)) => streams::resize(terminal, size),
        (Control::Resize(_), None) => {}
        (Control::Signal(signal), terminal) => {
            // An init that is gone is noticed by its silence.
            let _ = parts
                .control
                .send(&write_signal(signal, terminal.is_some()), &[])
                .await;
        }
    }
}

/// Adds up a step that is over and makes the cell ready for the next one.
fn finish(
    parts: &mut Parts,
    verdict: &Verdict,
    over: Option<&Over>,
    wall: Duration,
) -> Result<StepEnd, Error> {
    let kills = memory_kills(parts)?;
    let total = parts.group.cpu().map_err(failed("reading CPU time"))?;
    let peak = parts
        .group
        .memory_peak()
        .map_err(failed("reading the memory peak"))?;
    let spent = total.since(parts.cpu_before);
    parts.cpu_before = total;
    parts.memory_kills_before += kills;
    parts.may_be_crowded = over.is_none();
    let cause: Option<Cause> = verdict.cause(over.map(|over| over.status), kills);
    let usage = Usage {
        wall,
        cpu_user: spent.user,
        cpu_system: spent.system,
        memory_peak_bytes: peak,
        read_bytes: over.map_or(0, |over| over.read_bytes),
        written_bytes: over.map_or(0, |over| over.written_bytes),
        context_switches: over.map_or(0, |over| over.context_switches),
    };
    cause
        .map(|cause| StepEnd { cause, usage })
        .ok_or_else(|| Error::CellGone("its init ended in the middle of a step".into()))
}

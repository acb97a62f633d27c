//! A scripted engine for the tests of what is built on top.
//!
//! A function that the test gives maps each step to a [`Script`]; the fake plays it through the
//! same channels as a real engine, honours the wall limit and the kill handle, and notes what it
//! was asked for. It runs nothing and isolates nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::collect::{Account, plain_path};
use crate::engine::{Control, InputEnd, Typed};
use crate::pattern;
use crate::{
    Cause, Cell, CellFile, CellSpec, Collect, Collected, Engine, Error, Input, KillHandle,
    LeftReason, Output, OutputStream, Process, Step, StepEnd, Usage,
};

/// What a scripted program does next.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes bytes.
    Write(OutputStream, Bytes),
    /// Waits until bytes or the end of input arrive; bytes are thrown away.
    AwaitInput,
    /// Writes what it reads to stdout until its input ends.
    Echo,
    /// Waits for the next resize or signal and prints it to stdout as `resize 80x24` or `signal 2`.
    ReportControl,
    /// Lets time pass.
    Sleep(Duration),
    /// Waits until killed or out of wall time.
    Forever,
    /// Leaves a file in the working directory.
    Leave(CellFile),
    /// Ends. Without it a script that is played to its end exits with code 0.
    End(Cause),
    /// The cell breaks: the step ends in [`Error::CellGone`].
    Break,
}

/// How one step goes.
#[derive(Clone, Debug)]
pub enum Script {
    /// The step starts and does this.
    Run(Vec<Act>),
    /// The step does not start: its program is not there.
    NoSuchProgram,
    /// The step does not start: the cell is gone.
    CellGone,
}

/// What a fake was asked for, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A cell was taken.
    Cell(CellSpec),
    /// Files were put into a cell.
    Files(Vec<CellFile>),
    /// Files were taken out of a cell.
    Collect(Collect),
    /// A step was started.
    Start(Step),
    /// A cell was destroyed or dropped.
    CellEnded,
    /// The engine was closed.
    Close,
}

type Director = dyn Fn(&Step) -> Script + Send + Sync;

struct Shared {
    director: Box<Director>,
    asked: Mutex<Vec<Asked>>,
    broken: Mutex<u32>,
    tasks: TaskTracker,
}

/// The scripted engine.
#[derive(Clone)]
pub struct FakeEngine {
    shared: Arc<Shared>,
}

impl FakeEngine {
    /// An engine whose steps go as `director` says.
    pub fn new(director: impl Fn(&Step) -> Script + Send + Sync + 'static) -> Self {
        let shared = Shared {
            director: Box::new(director),
            asked: Mutex::default(),
            broken: Mutex::default(),
            tasks: TaskTracker::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// An engine whose every step goes the same way.
    pub fn always(acts: Vec<Act>) -> Self {
        Self::new(move |_| Script::Run(acts.clone()))
    }

    /// The next `count` requests for a cell fail with [`Error::CellGone`].
    pub fn break_next_cells(&self, count: u32) {
        *lock(&self.shared.broken) = count;
    }

    /// Everything asked for so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }

    /// Cells that were taken and neither destroyed nor dropped.
    pub fn cells_in_use(&self) -> usize {
        let asked = lock(&self.shared.asked);
        let taken = asked.iter().filter(|a| matches!(a, Asked::Cell(_))).count();
        taken
            - asked
                .iter()
                .filter(|a| matches!(a, Asked::CellEnded))
                .count()
    }
}

// A test that panicked while it held the lock has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine for FakeEngine {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn cell(&self, spec: CellSpec) -> BoxFuture<'_, Result<Box<dyn Cell>, Error>> {
        async move {
            {
                let mut broken = lock(&self.shared.broken);
                if *broken > 0 {
                    *broken -= 1;
                    return Err(Error::CellGone("scripted".into()));
                }
            }
            lock(&self.shared.asked).push(Asked::Cell(spec));
            Ok(Box::new(FakeCell {
                shared: Arc::clone(&self.shared),
                folder: Arc::default(),
            }) as Box<dyn Cell>)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        lock(&self.shared.asked).push(Asked::Close);
        self.shared.tasks.close();
        self.shared.tasks.wait().boxed()
    }
}

/// The working directory of a fake cell: files by name.
type Folder = Mutex<BTreeMap<String, CellFile>>;

struct FakeCell {
    shared: Arc<Shared>,
    folder: Arc<Folder>,
}

impl Drop for FakeCell {
    fn drop(&mut self) {
        lock(&self.shared.asked).push(Asked::CellEnded);
    }
}

impl Cell for FakeCell {
    fn was_parked(&self) -> bool {
        true
    }

    fn put_files(&mut self, files: Vec<CellFile>) -> BoxFuture<'_, Result<(), Error>> {
        let named = files.iter().map(|file| (file.name.clone(), file.clone()));
        lock(&self.folder).extend(named);
        lock(&self.shared.asked).push(Asked::Files(files));
        async { Ok(()) }.boxed()
    }

    fn collect(&mut self, wanted: Collect) -> BoxFuture<'_, Result<Collected, Error>> {
        let mut account = Account::new(wanted.limits);
        for asked in &wanted.paths {
            match plain_path(asked) {
                Some(path) => collect(&lock(&self.folder), &path, &mut account),
                None => account.leave(asked, LeftReason::BadPath),
            }
        }
        lock(&self.shared.asked).push(Asked::Collect(wanted));
        async { Ok(account.finish()) }.boxed()
    }

    fn start(&mut self, step: Step) -> BoxFuture<'_, Result<Process, Error>> {
        async move {
            lock(&self.shared.asked).push(Asked::Start(step.clone()));
            match (self.shared.director)(&step) {
                Script::Run(acts) => Ok(play(&self.shared.tasks, &self.folder, step, acts)),
                Script::CellGone => Err(Error::CellGone("scripted".into())),
                Script::NoSuchProgram => Err(Error::NoSuchProgram {
                    program: step.argv.into_iter().next().unwrap_or_default(),
                    source: std::io::Error::from(std::io::ErrorKind::NotFound),
                }),
            }
        }
        .boxed()
    }

    fn destroy(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        drop(self);
        async { Ok(()) }.boxed()
    }
}

/// Takes a file, or the files of a folder.
fn collect(folder: &BTreeMap<String, CellFile>, path: &str, account: &mut Account) {
    let beneath = format!("{path}/");
    let mut asked: Vec<_> = folder
        .values()
        .filter(|file| path.is_empty() || file.name == path || file.name.starts_with(&beneath))
        .collect();
    if let (true, Some(split)) = (asked.is_empty(), pattern::split(path)) {
        let files = folder.values();
        asked = files
            .filter(|file| pattern::fits_below(split, &file.name))
            .collect();
    }
    if asked.is_empty() && !path.is_empty() {
        account.leave(path, LeftReason::Missing);
    }
    for file in asked {
        if account.admits(&file.name, file.content.len() as u64) {
            account.take(file.clone());
        }
    }
}

struct Player {
    folder: Arc<Folder>,
    started: Instant,
    output: mpsc::Sender<Output>,
    input: InputEnd,
}

/// Starts a task that plays the acts; it ends when the program ends.
fn play(tasks: &TaskTracker, folder: &Arc<Folder>, step: Step, acts: Vec<Act>) -> Process {
    let (output, output_end) = mpsc::channel(16);
    let (input, input_end) = Input::new();
    let (kill, mut kills) = KillHandle::new();
    let (end, end_receiver) = oneshot::channel();
    let mut player = Player {
        folder: Arc::clone(folder),
        started: Instant::now(),
        output,
        input: input_end,
    };
    tasks.spawn(async move {
        let cause = tokio::select! {
            biased;
            cause = player.play(acts) => cause,
            Some(()) = kills.recv() => Some(Cause::Killed),
            () = tokio::time::sleep(step.limits.wall) => Some(Cause::WallLimit),
        };
        let usage = Usage {
            wall: player.started.elapsed(),
            ..Usage::default()
        };
        drop(player);
        let result = match cause {
            Some(cause) => Ok(StepEnd { cause, usage }),
            None => Err(Error::CellGone("scripted".into())),
        };
        // Nobody listens when the test has let go of the process.
        let _ = end.send(result);
    });
    Process {
        output: output_end,
        input,
        kill,
        end: end_receiver,
    }
}

impl Player {
    /// Plays to the end; `None` when the cell breaks.
    async fn play(&mut self, acts: Vec<Act>) -> Option<Cause> {
        for act in acts {
            match act {
                Act::Write(stream, bytes) => self.write(stream, bytes).await,
                Act::AwaitInput => drop(self.input.typed.recv().await),
                Act::Echo => {
                    while let Some(Typed::Bytes(bytes)) = self.input.typed.recv().await {
                        self.write(OutputStream::Stdout, bytes).await;
                    }
                }
                Act::ReportControl => {
                    let text = match self.input.control.recv().await {
                        Some(Control::Resize(size)) => {
                            format!("resize {}x{}\n", size.columns, size.rows)
                        }
                        Some(Control::Signal(signal)) => format!("signal {signal}\n"),
                        None => continue,
                    };
                    self.write(OutputStream::Stdout, text.into()).await;
                }
                Act::Sleep(time) => tokio::time::sleep(time).await,
                Act::Forever => std::future::pending().await,
                Act::Leave(file) => {
                    lock(&self.folder).insert(file.name.clone(), file);
                }
                Act::End(cause) => return Some(cause),
                Act::Break => return None,
            }
        }
        Some(Cause::Exited { code: 0 })
    }

    async fn write(&self, stream: OutputStream, bytes: Bytes) {
        let since_start = self.started.elapsed();
        // A reader that has gone away does not end a program.
        let _ = self
            .output
            .send(Output {
                stream,
                bytes,
                since_start,
            })
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StepLimits;

    fn step() -> Step {
        Step {
            argv: vec!["program".into()],
            env: Vec::new(),
            limits: StepLimits {
                wall: Duration::from_secs(5),
                cpu: Duration::from_secs(5),
                memory_bytes: 1 << 26,
                processes: 8,
                file_bytes: 1 << 20,
            },
            terminal: None,
            warm: None,
        }
    }

    async fn start(engine: &FakeEngine) -> Process {
        let mut cell = engine
            .cell(CellSpec {
                disk_bytes: 1 << 20,
                warm: None,
            })
            .await
            .unwrap();
        cell.start(step()).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_is_played_and_the_wall_limit_holds() {
        let engine = FakeEngine::always(vec![Act::Echo, Act::Forever]);
        let mut process = start(&engine).await;
        process.input.write(Bytes::from_static(b"hi")).await;
        process.input.eof().await;
        assert_eq!(process.output.recv().await.unwrap().bytes, "hi");
        assert_eq!(process.output.recv().await, None);
        assert_eq!(process.end.await.unwrap().unwrap().cause, Cause::WallLimit);
        assert_eq!(engine.cells_in_use(), 0);
    }

    #[tokio::test]
    async fn a_kill_ends_it_and_a_break_is_an_error() {
        let process = start(&FakeEngine::always(vec![Act::Forever])).await;
        process.kill.kill();
        assert_eq!(process.end.await.unwrap().unwrap().cause, Cause::Killed);
        let process = start(&FakeEngine::always(vec![Act::Break])).await;
        assert!(process.end.await.unwrap().is_err());
    }
}

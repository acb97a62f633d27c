//! What every engine promises: cells, steps, streams, limits and measurements.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::{Collect, Collected};

/// Makes single-use cells.
pub trait Engine: Send + Sync + 'static {
    /// The engine's name as it stands in measurements and metrics, for example `native`.
    fn name(&self) -> &'static str;

    /// Takes a cell that no other run has touched. The future is quick when one is parked.
    fn cell(&self, spec: CellSpec) -> BoxFuture<'_, Result<Box<dyn Cell>, Error>>;

    /// How many cells wait ready to be used, for each kind of cell; empty where none ever do.
    fn parked(&self) -> Vec<Parked> {
        Vec::new()
    }

    /// Ends every parked cell and waits until nothing of the engine is left on the machine.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Cells of one kind that wait ready to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The warm host's name; `None`: cells that can run anything.
    pub warm: Option<String>,
    /// How many there are.
    pub cells: usize,
    /// Bytes of memory that they take together.
    pub memory_bytes: u64,
}

/// A single-use sandbox: one working directory, in which steps (compile, run) happen one after
/// the other. Whatever a step left running is dead before the next one starts.
///
/// Dropping a cell without [`Cell::destroy`] also removes it, in the background.
pub trait Cell: Send {
    /// Whether the cell was made before it was asked for.
    fn was_parked(&self) -> bool;

    /// Puts files into the working directory, which is the current directory of every step, in
    /// place of what has their names. Whether that went well may only show at the next start.
    fn put_files(&mut self, files: Vec<CellFile>) -> BoxFuture<'_, Result<(), Error>>;

    /// Takes files out of the working directory. Waits for the end of a step that still runs: by
    /// then all its processes are dead. What a program left there can be any kind of trap, so
    /// only regular files come, and nothing that is there is an error.
    fn collect(&mut self, wanted: Collect) -> BoxFuture<'_, Result<Collected, Error>>;

    /// Lets its processes have the CPU only where nobody else on the machine wants it, as far as
    /// the engine can do that. To be said before the first step.
    fn give_way(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Starts one step. The previous one, if any, must have ended.
    fn start(&mut self, step: Step) -> BoxFuture<'_, Result<Process, Error>>;

    /// Kills what is left and waits until process, mounts and cgroups of the cell are gone.
    fn destroy(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

/// What a whole cell may use, all steps and all processes together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellSpec {
    /// Bytes of everything writable in the cell (working directory, `/tmp`, `/dev/shm`).
    pub disk_bytes: u64,
    /// The warm host, by its name, that the first step is for. An engine that knows no such host
    /// gives a cell without one.
    pub warm: Option<String>,
}

/// A file for the working directory, or out of it. It belongs to the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFile {
    /// Its path below the working directory: parts of at most 255 bytes, none of them `..`, with
    /// `/` between them, and no NUL. Folders that it needs are made.
    pub name: String,
    /// Permission bits, of which only `0o777` count.
    pub mode: u32,
    /// The content, byte for byte.
    pub content: Bytes,
}

impl CellFile {
    /// A file that everybody in the cell may read and execute.
    pub fn new(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            mode: 0o755,
            content: content.into(),
        }
    }
}

/// One command to run in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Program (an absolute path inside the cell, or relative to the working directory with a
    /// leading `./`) and its arguments.
    pub argv: Vec<String>,
    /// The whole environment, in order; nothing is inherited.
    pub env: Vec<(String, String)>,
    /// What the step may use.
    pub limits: StepLimits,
    /// `Some` runs the step on a pseudo terminal of that size, where both output streams arrive
    /// as [`OutputStream::Stdout`]; `None` gives it three pipes.
    pub terminal: Option<Terminal>,
    /// What the cell's warm host is told to do in place of `argv`, with the same effect. Where
    /// there is no warm host, or it cannot do this step, `argv` is executed.
    pub warm: Option<WarmStep>,
}

/// A step for a warm host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmStep {
    /// Which of the host's runtimes it is for. Steps come in the order of their runtimes.
    pub runtime: usize,
    /// The program and its arguments as that runtime counts them.
    pub words: Vec<String>,
}

/// A pseudo terminal for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its size at the start.
    pub size: WindowSize,
}

/// A terminal's size in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// What one step may use; all its processes are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepLimits {
    /// Time on the wall from go to exit.
    pub wall: Duration,
    /// CPU time, user and system, of all processes.
    pub cpu: Duration,
    /// Memory of all processes, with what they wrote to the cell's disk.
    pub memory_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u32,
    /// The largest file that may be written.
    pub file_bytes: u64,
}

/// A step that runs.
///
/// Output must be read until the channel closes; a reader that waits makes the program wait
/// (its pipe fills), so memory stays flat. The channel closes once all processes of the step
/// are dead and everything that they wrote has been handed over; only then `end` resolves.
#[derive(Debug)]
pub struct Process {
    /// What the program writes, in order per stream.
    pub output: mpsc::Receiver<Output>,
    /// The way to its standard input or terminal.
    pub input: Input,
    /// Ends it before its time.
    pub kill: KillHandle,
    /// How it ended.
    pub end: oneshot::Receiver<Result<StepEnd, Error>>,
}

/// Some bytes that a program wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where it wrote them.
    pub stream: OutputStream,
    /// The bytes, at most 64 KiB.
    pub bytes: Bytes,
    /// Time from the start of the step until they were read.
    pub since_start: Duration,
}

/// An output stream of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// File descriptor 1, or the terminal.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// What can be sent to a running program. Bytes are bounded: `write` waits while the program
/// does not read; signals and resizes overtake bytes that wait. Sending to a program that has
/// ended or has closed its input is not an error. Once every copy of this is gone, a pipe's
/// input ends as with [`Input::eof`]; a terminal's does not.
#[derive(Clone, Debug)]
pub struct Input {
    typed: mpsc::Sender<Typed>,
    control: mpsc::Sender<Control>,
}

/// Bytes on the way to a program, in order with their end.
#[derive(Debug)]
pub(crate) enum Typed {
    Bytes(Bytes),
    Eof,
}

/// What overtakes the bytes.
#[derive(Debug)]
pub(crate) enum Control {
    Resize(WindowSize),
    Signal(i32),
}

/// The engine's end of an [`Input`].
#[derive(Debug)]
pub(crate) struct InputEnd {
    pub(crate) typed: mpsc::Receiver<Typed>,
    pub(crate) control: mpsc::Receiver<Control>,
}

impl Input {
    pub(crate) fn new() -> (Self, InputEnd) {
        let (typed, typed_end) = mpsc::channel(16);
        let (control, control_end) = mpsc::channel(16);
        (
            Self { typed, control },
            InputEnd {
                typed: typed_end,
                control: control_end,
            },
        )
    }

    // In all four, the receiver is gone once the program has ended, which the caller learns
    // from `end`.

    /// Writes bytes to standard input, or types them on the terminal.
    pub async fn write(&self, bytes: Bytes) {
        let _ = self.typed.send(Typed::Bytes(bytes)).await;
    }

    /// Ends standard input once everything sent before has been written; on a terminal, types
    /// its end-of-file character.
    pub async fn eof(&self) {
        let _ = self.typed.send(Typed::Eof).await;
    }

    /// Changes the terminal's size; without a terminal nothing happens.
    pub async fn resize(&self, size: WindowSize) {
        let _ = self.control.send(Control::Resize(size)).await;
    }

    /// Sends a signal to the program's main process (on a terminal: to its foreground group).
    pub async fn signal(&self, signal: i32) {
        let _ = self.control.send(Control::Signal(signal)).await;
    }
}

/// Kills all processes of a step.
#[derive(Clone, Debug)]
pub struct KillHandle {
    asked: mpsc::Sender<()>,
}

impl KillHandle {
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        let (asked, kills) = mpsc::channel(1);
        (Self { asked }, kills)
    }

    /// Kills; the step then ends with [`Cause::Killed`], unless it had ended by itself before.
    pub fn kill(&self) {
        // A full channel means that somebody has asked already.
        let _ = self.asked.try_send(());
    }
}

/// How a step ended and what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// Why it ended.
    pub cause: Cause,
    /// What it used.
    pub usage: Usage,
}

/// Why a step ended. Decided in one place from what the kernel says, never from output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The main process ended itself.
    Exited {
        /// Its exit code, 0 to 255.
        code: i32,
    },
    /// The main process died of a signal that was not ours.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// Ended by us: the wall clock ran out.
    WallLimit,
    /// Ended by us: the CPU time ran out.
    CpuLimit,
    /// The kernel found no memory within the limit for any process of the step.
    MemoryLimit,
    /// Ended by us: [`KillHandle::kill`].
    Killed,
}

/// What a step used, all its processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time from go to the death of the last process.
    pub wall: Duration,
    /// CPU time in user mode.
    pub cpu_user: Duration,
    /// CPU time in the kernel.
    pub cpu_system: Duration,
    /// Highest memory charged at once.
    pub memory_peak_bytes: u64,
    /// Bytes read through system calls.
    pub read_bytes: u64,
    /// Bytes written through system calls.
    pub written_bytes: u64,
    /// Context switches, voluntary and not.
    pub context_switches: u64,
}

/// Why an engine could not do its work. Never caused by what a program does.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call of ours failed.
    #[error("{doing}")]
    System {
        /// What was being done, as a phrase: `making the cell's cgroup in /sys/fs/cgroup/pids`.
        doing: String,
        /// What the kernel answered.
        #[source]
        source: std::io::Error,
    },
    /// A layer of isolation does not hold on this machine, so nothing is run on it.
    #[error("the layer of isolation \"{layer}\" is missing: {found}")]
    LayerMissing {
        /// The layer's name, as it stands in options.
        layer: &'static str,
        /// What was found in its place.
        found: String,
    },
    /// The spawner or the cell's init went away or spoke nonsense.
    #[error("the cell is gone: {0}")]
    CellGone(String),
    /// The command is not in the cell.
    #[error("{program} cannot be executed in the cell: {source}")]
    NoSuchProgram {
        /// The first word of the command.
        program: String,
        /// What the kernel answered.
        source: std::io::Error,
    },
    /// The engine is closing.
    #[error("the engine is closing")]
    Closing,
}

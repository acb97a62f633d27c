//! What every engine promises, as tests that take any engine.
//!
//! [`suite!`] makes a test of each for one engine. The programs are Python and shell scripts, so
//! an engine's cells must have `/usr/bin/python3`, `/bin/sh` and `/usr/bin/gcc`.

pub(crate) mod collect;
pub(crate) mod ends;
pub(crate) mod isolation;
pub(crate) mod leftovers;
pub(crate) mod limits;
pub(crate) mod streams;
pub(crate) mod terminal;

use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::{
    Cell, CellFile, CellSpec, Engine, OutputStream, Process, Step, StepEnd, StepLimits,
};

/// The engine under test.
pub(crate) type Tested = Arc<dyn Engine>;

/// Makes a test of every function of the suite.
macro_rules! suite {
    ($engine:path; $($module:ident: $($name:ident),+ $(,)?;)+) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let engine: crate::conformance::Tested = $engine().await;
                crate::conformance::$module::$name(std::sync::Arc::clone(&engine)).await;
                engine.close().await;
            })+
        })+
    };
}
pub(crate) use suite;

/// Room for everything that is not about limits.
pub(crate) const DISK: u64 = 64 << 20;

/// A step that may do a lot.
pub(crate) fn step(argv: &[&str]) -> Step {
    Step {
        argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
        env: vec![
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("HOME".into(), "/box".into()),
        ],
        limits: StepLimits {
            wall: Duration::from_secs(60),
            cpu: Duration::from_secs(30),
            memory_bytes: 512 << 20,
            processes: 64,
            file_bytes: 64 << 20,
        },
        terminal: None,
        warm: None,
    }
}

/// A step that runs a Python program.
pub(crate) fn python(program: &str) -> Step {
    step(&["/usr/bin/python3", "-I", "-c", program])
}

/// A step that runs a shell program.
pub(crate) fn sh(program: &str) -> Step {
    step(&["/bin/sh", "-c", program])
}

/// A step with other limits.
pub(crate) fn limited(mut step: Step, change: impl FnOnce(&mut StepLimits)) -> Step {
    change(&mut step.limits);
    step
}

/// What a step has done.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) end: StepEnd,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Reads a process to its end.
pub(crate) async fn finish(mut process: Process) -> Ran {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(output) = process.output.recv().await {
        let sink = match output.stream {
            OutputStream::Stdout => &mut stdout,
            OutputStream::Stderr => &mut stderr,
        };
        sink.extend_from_slice(&output.bytes);
    }
    let end = process
        .end
        .await
        .expect("the engine tells the end")
        .expect("no system error");
    Ran {
        end,
        stdout,
        stderr,
    }
}

/// A cell with room for everything.
pub(crate) async fn cell(engine: &Tested) -> Box<dyn Cell> {
    engine
        .cell(CellSpec {
            disk_bytes: DISK,
            warm: None,
        })
        .await
        .expect("a cell")
}

/// Runs a step with an empty standard input in a cell of its own.
pub(crate) async fn run(engine: &Tested, step: Step) -> Ran {
    let mut cell = cell(engine).await;
    let ran = run_in(&mut cell, step).await;
    cell.destroy().await.expect("a clean end");
    ran
}

/// Runs a step with an empty standard input.
pub(crate) async fn run_in(cell: &mut Box<dyn Cell>, step: Step) -> Ran {
    let process = cell.start(step).await.expect("a start");
    process.input.eof().await;
    finish(process).await
}

/// Reads output until a text was seen.
pub(crate) async fn read_until(process: &mut Process, seen: &mut Vec<u8>, text: &str) {
    while !String::from_utf8_lossy(seen).contains(text) {
        let output = process.output.recv().await;
        let output = output.unwrap_or_else(|| {
            panic!(
                "{text:?} never came, but {:?}",
                String::from_utf8_lossy(seen)
            )
        });
        seen.extend_from_slice(&output.bytes);
    }
}

pub(crate) fn file(name: &str, content: &'static str) -> CellFile {
    CellFile::new(name, content)
}

/// Compiles a C program in a cell and gives the cell, in which it is `./program`.
pub(crate) async fn compiled(engine: &Tested, source: &'static str) -> Box<dyn Cell> {
    let mut cell = cell(engine).await;
    cell.put_files(vec![file("program.c", source)])
        .await
        .expect("a file");
    let gcc = [
        "/usr/bin/gcc",
        "-O1",
        "-pthread",
        "-o",
        "program",
        "program.c",
    ];
    let ran = run_in(&mut cell, step(&gcc)).await;
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(
        ran.end.cause,
        runlog_sandbox::Cause::Exited { code: 0 },
        "{said}"
    );
    cell
}

//! Runs programs both ways: with a runtime that was started before, and by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use runlog_sandbox::{
    Cause, Cell, CellFile, CellSpec, Collect, CollectLimits, OutputStream, Step, StepLimits,
    Terminal,
};
use runlog_schemas::{LanguageDefinition, Program, WarmWords};
use runlog_worker::warm_step;

use crate::conformance;
use crate::support::{Machine, language};

/// What every program can read from its pipe.
const INPUT: &str = "one\ntwo ä\nthree\n";

/// What is typed on a terminal, once a program asks with [`PROMPT`]: one line, as its echo has no
/// fixed place among what is written meanwhile.
const TYPED: &str = "one\n";

const PROMPT: &str = "? ";

/// Its arguments.
const ARGUMENTS: [&str; 3] = ["a b", "-c", "ä"];

/// How a step went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) cause: Cause,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The programs of a file: each begins with a line `### name`.
pub(crate) fn programs(text: &'static str) -> Vec<(&'static str, &'static str)> {
    let parts = text.split("### ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

/// Where something is in memory differs from run to run anyway.
fn without_addresses(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |cleaned, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        cleaned + "0x" + rest
    })
}

pub(crate) struct Bench {
    machine: Machine,
    id: &'static str,
}

impl Bench {
    pub(crate) async fn start(id: &'static str) -> Self {
        let machine = Machine::start(&[id]).await;
        Self { machine, id }
    }

    fn language(&self) -> &LanguageDefinition {
        language(&self.machine, self.id)
    }

    fn parked(&self) -> usize {
        let parked = self.machine.engine.parked();
        let ours = parked.iter().find(|it| it.warm.as_deref() == Some(self.id));
        ours.expect("the language has a warm host").cells
    }

    /// Waits until a runtime is there.
    async fn warmed(&self) {
        while self.parked() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is done for a program: compiling, if its language is compiled, and running it.
    fn steps(&self, is_warm: bool, terminal: Option<Terminal>) -> Vec<Step> {
        let language = self.language();
        let args = ARGUMENTS.map(str::to_owned);
        let program = Program {
            entry: &language.entry,
            files: &[&language.entry],
            args: &args,
            options: &[],
        };
        let given = BTreeMap::from([("GIVEN".to_owned(), "by the submission".to_owned())]);
        let limits = language.default_limits();
        let step = |argv, env, words: Option<WarmWords>, terminal| Step {
            argv,
            env,
            limits: StepLimits {
                wall: Duration::from_secs(60),
                cpu: Duration::from_secs(30),
                memory_bytes: limits.memory_mb.max(512) << 20,
                processes: 64,
                file_bytes: 64 << 20,
            },
            terminal,
            warm: words.filter(|_| is_warm).map(warm_step),
        };
        let compile = language.compile_argv(&program).map(|argv| {
            let words = language.compile_words(&program);
            step(argv, language.compile_environment(), words, None)
        });
        let words = language.run_words(&program, &given, (limits.memory_mb, terminal.is_some()));
        let run = step(
            language.run_argv(&program, &limits),
            language.run_environment(&given),
            words,
            terminal,
        );
        compile.into_iter().chain([run]).collect()
    }

    /// How each step of a program goes, up to one that fails.
    pub(crate) async fn run(
        &self,
        source: &'static str,
        is_warm: bool,
        terminal: Option<Terminal>,
    ) -> Vec<Ran> {
        let steps = self.steps(is_warm, terminal);
        let mut cell = self.cell(&steps, is_warm).await;
        let content = Bytes::from_static(source.as_bytes());
        let main = CellFile::new(self.language().entry.clone(), content);
        cell.put_files(vec![main]).await.expect("a file");
        let mut all = Vec::new();
        for step in steps {
            let ran = run_step(&mut cell, step, source).await;
            let failed = ran.cause != (Cause::Exited { code: 0 });
            all.push(ran);
            if failed {
                break;
            }
        }
        cell.destroy().await.expect("a clean end");
        all
    }

    /// Compiles a program in one cell and runs it in another that waited.
    pub(crate) async fn run_compiled(&self, source: &'static str, compiled: &str) -> Ran {
        let mut steps = self.steps(true, None);
        let mut cell = self.cell(&steps, true).await;
        let content = Bytes::from_static(source.as_bytes());
        let main = CellFile::new(self.language().entry.clone(), content);
        cell.put_files(vec![main]).await.expect("a file");
        let run = steps.pop().expect("a step that runs");
        let compile = steps.pop().expect("a step that compiles");
        let ran = run_step(&mut cell, compile, "").await;
        assert_eq!(ran.cause, Cause::Exited { code: 0 }, "{ran:?}");
        let wanted = Collect {
            paths: vec![compiled.to_owned()],
            limits: CollectLimits {
                files: 1,
                bytes: 1 << 20,
                depth: 1,
            },
        };
        let collected = cell.collect(wanted).await.expect("a file");
        cell.destroy().await.expect("a clean end");
        let mut cell = self.cell(std::slice::from_ref(&run), true).await;
        cell.put_files(collected.files).await.expect("a file");
        let ran = run_step(&mut cell, run, "").await;
        cell.destroy().await.expect("a clean end");
        ran
    }

    async fn cell(&self, steps: &[Step], is_warm: bool) -> Box<dyn Cell> {
        if is_warm {
            assert!(steps[0].warm.is_some(), "it is not for the warm host");
            self.warmed().await;
        }
        let spec = CellSpec {
            disk_bytes: 64 << 20,
            warm: is_warm.then(|| self.id.to_owned()),
        };
        let cell = self.machine.engine.cell(spec).await.expect("a cell");
        assert!(!is_warm || cell.was_parked());
        cell
    }

    /// Runs all programs both ways, in pipes or on a terminal.
    pub(crate) async fn compare(&self, all: &'static str, terminal: Option<Terminal>) {
        let mut differ = Vec::new();
        for (name, source) in programs(all) {
            let cold = self.run(source, false, terminal).await;
            let warm = self.run(source, true, terminal).await;
            if cold != warm {
                differ.push(format!("{name}:\ncold {cold:#?}\nwarm {warm:#?}"));
            }
        }
        assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    }

    pub(crate) async fn stop(self) {
        self.machine.engine.close().await;
    }
}

async fn run_step(cell: &mut Box<dyn Cell>, step: Step, source: &str) -> Ran {
    let on_terminal = step.terminal.is_some();
    let mut process = cell.start(step).await.expect("a start");
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let typed = if !on_terminal {
        INPUT
    } else if source.contains(PROMPT) {
        conformance::read_until(&mut process, &mut stdout, PROMPT).await;
        TYPED
    } else {
        ""
    };
    process
        .input
        .write(Bytes::from_static(typed.as_bytes()))
        .await;
    process.input.eof().await;
    while let Some(output) = process.output.recv().await {
        let sink = match output.stream {
            OutputStream::Stdout => &mut stdout,
            OutputStream::Stderr => &mut stderr,
        };
        sink.extend_from_slice(&output.bytes);
    }
    let end = process.end.await.expect("an end").expect("no system error");
    Ran {
        cause: end.cause,
        stdout: without_addresses(&stdout),
        stderr: without_addresses(&stderr),
    }
}

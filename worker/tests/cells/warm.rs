//! What a program prints and how it ends is the same whether its runtime was started before or by
//! itself.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use runlog_sandbox::{
    Cause, CellFile, CellSpec, OutputStream, Step, StepLimits, Terminal, WindowSize,
};
use runlog_schemas::{LanguageDefinition, Program};

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

/// How a program went.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    cause: Cause,
    stdout: String,
    stderr: String,
}

/// The programs of a file: each begins with a line `### name`.
fn programs(text: &'static str) -> Vec<(&'static str, &'static str)> {
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

struct Bench {
    machine: Machine,
    id: &'static str,
}

impl Bench {
    async fn start(id: &'static str) -> Self {
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

    fn step(&self, is_warm: bool, terminal: Option<Terminal>) -> Step {
        let language = self.language();
        let args = ARGUMENTS.map(str::to_owned);
        let program = Program {
            entry: &language.entry,
            files: &[&language.entry],
            args: &args,
            options: &[],
        };
        let given = BTreeMap::from([("GIVEN".to_owned(), "by the submission".to_owned())]);
        let words = language.run_words(&program, &given, terminal.is_some());
        Step {
            argv: language.run_argv(&program, &language.default_limits()),
            env: language.run_environment(&given),
            limits: StepLimits {
                wall: Duration::from_secs(60),
                cpu: Duration::from_secs(30),
                memory_bytes: 512 << 20,
                processes: 64,
                file_bytes: 64 << 20,
            },
            terminal,
            warm: if is_warm { words } else { None },
        }
    }

    async fn run(&self, source: &'static str, is_warm: bool, terminal: Option<Terminal>) -> Ran {
        let step = self.step(is_warm, terminal);
        if is_warm {
            assert!(step.warm.is_some(), "it is not for the warm host");
            self.warmed().await;
        }
        let spec = CellSpec {
            disk_bytes: 64 << 20,
            warm: is_warm.then(|| self.id.to_owned()),
        };
        let mut cell = self.machine.engine.cell(spec).await.expect("a cell");
        assert!(!is_warm || cell.was_parked());
        let content = Bytes::from_static(source.as_bytes());
        let main = CellFile::new(self.language().entry.clone(), content);
        cell.put_files(vec![main]).await.expect("a file");
        let mut process = cell.start(step).await.expect("a start");
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let typed = if terminal.is_none() {
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
        cell.destroy().await.expect("a clean end");
        Ran {
            cause: end.cause,
            stdout: without_addresses(&stdout),
            stderr: without_addresses(&stderr),
        }
    }

    /// Runs all programs both ways, in pipes or on a terminal.
    async fn compare(&self, all: &'static str, terminal: Option<Terminal>) {
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

    async fn stop(self) {
        self.machine.engine.close().await;
    }
}

const TERMINAL: Terminal = Terminal {
    size: WindowSize {
        columns: 80,
        rows: 24,
    },
};

const PYTHON: &str = include_str!("alike/python.txt");

#[tokio::test]
async fn python_in_pipes() {
    let bench = Bench::start("python").await;
    assert!(programs(PYTHON).len() >= 40);
    bench.compare(PYTHON, None).await;
    bench.stop().await;
}

#[tokio::test]
async fn python_on_a_terminal() {
    let bench = Bench::start("python").await;
    bench.compare(PYTHON, Some(TERMINAL)).await;
    bench.stop().await;
}

/// Only an interpreter that cells are forks of has loaded the library for that.
#[tokio::test]
async fn python_is_really_forked() {
    let bench = Bench::start("python").await;
    let look = "print('runlog_' in open('/proc/self/maps').read())";
    assert_eq!(bench.run(look, true, None).await.stdout, "True\n");
    assert_eq!(bench.run(look, false, None).await.stdout, "False\n");
    bench.stop().await;
}

#[tokio::test]
async fn neighbouring_runs_have_other_seeds() {
    let bench = Bench::start("python").await;
    let look = "import random; print(hash('a'), random.random(), id(object()) and 0)";
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        seen.insert(bench.run(look, true, None).await.stdout);
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    let hashes: std::collections::BTreeSet<_> = seen
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(hashes.len(), 3, "{seen:?}");
    bench.stop().await;
}

const JAVASCRIPT: &str = include_str!("alike/javascript.txt");

#[tokio::test]
async fn javascript_in_pipes() {
    let bench = Bench::start("javascript").await;
    bench.compare(JAVASCRIPT, None).await;
    bench.stop().await;
}

/// Only one that waited was started with the hook.
#[tokio::test]
async fn javascript_really_waited() {
    let bench = Bench::start("javascript").await;
    let look = "console.log(require('fs').readFileSync('/proc/self/environ', 'utf8').includes('NODE_OPTIONS'))";
    assert_eq!(bench.run(look, true, None).await.stdout, "true\n");
    assert_eq!(bench.run(look, false, None).await.stdout, "false\n");
    bench.stop().await;
}

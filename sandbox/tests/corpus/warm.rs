//! Entries inside a runtime that has waited for them: a fork of an interpreter, or one that was
//! started in the cell. What is in C is loaded into the very process of the runtime; what is in
//! its own language it runs; of all else its process becomes the program.

use std::process::Command;

use bytes::Bytes;
use runlog_sandbox::{CellFile, WarmStep};

use super::case::{Case, Language};
use super::programs::Programs;

/// A runtime that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Cells are forks of it.
    Python,
    /// Started in each cell, as the next.
    JavaScript,
    /// Compiles in one runtime and runs in the next; here it only runs.
    Java,
}

/// Each first makes sure that it is what has waited.
const PYTHON: &str = "\
import os, signal, sys
if '/box/warm' not in open('/proc/self/environ').read():
    sys.exit('this is no fork')
os.remove(__file__)
";
const JAVASCRIPT: &str = "\
if (!require('fs').readFileSync('/proc/self/environ', 'latin1').includes('NODE_OPTIONS')) {
  throw new Error('this has not waited');
}
process.dlopen({ exports: {} }, '/box/attack.so');
";
const JAVA: &str = "\
public class Main {
    public static void main(String[] words) throws Exception {
        var maps = java.nio.file.Files.readString(java.nio.file.Path.of(\"/proc/self/maps\"));
        if (!maps.contains(\"agent.so\")) throw new Error(\"this has not waited\");
        System.load(\"/box/attack.so\");
    }
}
";
const JAVA_CLASS: &str = "Main.class";

impl Host {
    /// The name of its language, under which the engine has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Java => "java",
        }
    }

    /// Whether cells are forks of it.
    pub(crate) fn is_forked(self) -> bool {
        self == Self::Python
    }

    /// Whether it can run an entry: one that is started in each cell only what needs few cells.
    pub(crate) fn runs(self, case: &Case) -> bool {
        let is_small = case.runs * case.copies <= 3;
        self.is_forked() || (case.language == Language::C && !case.terminal && is_small)
    }

    /// The entry as it is there: a virtual machine needs memory and threads for itself.
    pub(crate) fn provide(self, mut case: Case) -> Case {
        let (memory_mb, processes) = match self {
            Self::Python => (0, 0),
            Self::JavaScript | Self::Java => (192, 64),
        };
        case.limits.memory_mb += memory_mb;
        case.limits.processes += processes;
        case
    }

    /// What has to be compiled for it, by its name.
    pub(super) fn compiled(self) -> Option<(&'static str, Bytes)> {
        if self != Self::Java {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("Main.java");
        std::fs::write(&source, JAVA).expect("a file");
        let status = Command::new("/usr/bin/javac").arg(&source).status();
        assert!(status.expect("javac is installed").success());
        let class = std::fs::read(folder.path().join(JAVA_CLASS)).expect("a class");
        Some((JAVA_CLASS, class.into()))
    }

    /// The program that runs an entry, whose command is `argv` elsewhere.
    pub(super) fn files(self, programs: &Programs, case: &Case, argv: &[&str]) -> Vec<CellFile> {
        let source = format!("{}/{}", case.id, case.source);
        let mut files = Vec::new();
        if case.language == Language::C {
            files.push(CellFile::new("attack.so", programs.library(&source)));
        }
        files.push(match self {
            Self::Python => CellFile::new("main.py", python(case, argv)),
            Self::JavaScript => CellFile::new("main.js", Bytes::from_static(JAVASCRIPT.as_bytes())),
            Self::Java => CellFile::new(JAVA_CLASS, programs.get(JAVA_CLASS)),
        });
        files
    }

    /// What the runtime is told.
    pub(super) fn step(self) -> WarmStep {
        let (runtime, word) = match self {
            Self::Python => (0, "main.py"),
            Self::JavaScript => (0, "main.js"),
            Self::Java => (1, "Main"),
        };
        WarmStep {
            runtime,
            words: vec![word.to_owned()],
        }
    }
}

fn python(case: &Case, argv: &[&str]) -> Bytes {
    let source = case.source.as_str();
    let rest = match case.language {
        Language::C => "import ctypes\nctypes.CDLL('/box/attack.so')\n".to_owned(),
        Language::Python => {
            format!("exec(compile(open({source:?}).read(), {source:?}, 'exec'))\n")
        }
        // What Python ignores, others do not.
        _ => format!(
            "for number in (signal.SIGPIPE, signal.SIGXFSZ):\n    \
             signal.signal(number, signal.SIG_DFL)\nos.execvp({:?}, {argv:?})\n",
            argv[0]
        ),
    };
    format!("{PYTHON}{rest}").into()
}

//! The C programs of the corpus, compiled on the machine before anything is timed: static, so
//! that a cell of any engine can run them, or as libraries too, for a runtime to load.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command};

use bytes::Bytes;

use super::case::{Case, Language};
use super::metronome;
use super::warm::Host;

/// Compilers at work at the same time.
const AT_ONCE: usize = 2;

/// Compiled programs, by the path of their source below the corpus.
#[derive(Debug, Default)]
pub(crate) struct Programs(HashMap<String, Bytes>);

impl Programs {
    /// Compiles the sources of some entries, the metronome and the setuid canary, and what a
    /// runtime needs that they are to be run in.
    pub(crate) fn compile(cases: &[Case], host: Option<Host>) -> Self {
        let neighbour = Case::read(metronome::NAME);
        let c = cases
            .iter()
            .chain([&neighbour])
            .filter(|case| case.language == Language::C);
        let mut sources: Vec<String> = c
            .map(|case| format!("{}/{}", case.id, case.source))
            .collect();
        sources.push("euid.c".to_owned());
        let plain = sources.iter().map(|source| (source, false));
        let loaded = sources
            .iter()
            .filter(|_| host.is_some())
            .map(|source| (source, true));
        let all: Vec<(&String, bool)> = plain.chain(loaded).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let mut programs = HashMap::new();
        for some in all.chunks(AT_ONCE) {
            let begun: Vec<_> = some
                .iter()
                .map(|&(source, is_library)| {
                    let name = name(source, is_library);
                    let output = folder.path().join(name.replace('/', "-"));
                    let compiler = begin(source, is_library, &output);
                    (name, output, compiler)
                })
                .collect();
            for (name, output, mut compiler) in begun {
                let status = compiler.wait().expect("a compiler");
                assert!(status.success(), "{name} does not compile");
                let program = std::fs::read(output).expect("a program");
                programs.insert(name, program.into());
            }
        }
        if let Some((name, program)) = host.and_then(Host::compiled) {
            programs.insert(name.to_owned(), program);
        }
        Self(programs)
    }

    /// A compiled program.
    pub(crate) fn get(&self, source: &str) -> Bytes {
        self.0
            .get(source)
            .unwrap_or_else(|| panic!("{source} was not compiled"))
            .clone()
    }

    /// The same as a library, which runs when it is loaded.
    pub(crate) fn library(&self, source: &str) -> Bytes {
        self.get(&name(source, true))
    }
}

fn name(source: &str, is_library: bool) -> String {
    let ending = if is_library { ".so" } else { "" };
    format!("{source}{ending}")
}

fn begin(source: &str, is_library: bool, output: &Path) -> Child {
    let corpus = Case::corpus();
    let mut compiler = Command::new("/usr/bin/gcc");
    compiler.args(["-std=gnu17", "-O1", "-s", "-w", "-pthread", "-I"]);
    compiler.arg(&corpus).arg("-o").arg(output);
    if is_library {
        // Its `main` is its own, whatever the runtime calls so.
        compiler.args(["-shared", "-fPIC", "-fvisibility=hidden"]);
        compiler.arg(corpus.join("loaded.c"));
    } else {
        compiler.arg("-static");
    }
    let compiler = compiler.arg(corpus.join(source)).spawn();
    compiler.expect("gcc and a static libc are installed")
}

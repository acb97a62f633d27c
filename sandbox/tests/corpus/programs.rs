//! The C programs of the corpus, compiled on the machine before anything is timed: static, so
//! that a cell of any engine can run them.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;

use super::case::{Case, Language};
use super::metronome;

/// Compilers at work at the same time.
const AT_ONCE: usize = 2;

/// Compiled programs, by the path of their source below the corpus.
#[derive(Debug, Default)]
pub(crate) struct Programs(HashMap<String, Bytes>);

impl Programs {
    /// Compiles the sources of some entries, the metronome and the setuid canary.
    pub(crate) fn compile(cases: &[Case]) -> Self {
        let neighbour = Case::read(metronome::NAME);
        let c = cases
            .iter()
            .chain([&neighbour])
            .filter(|case| case.language == Language::C);
        let mut sources: Vec<String> = c
            .map(|case| format!("{}/{}", case.id, case.source))
            .collect();
        sources.push("euid.c".to_owned());
        let folder = tempfile::tempdir().expect("a folder");
        let mut programs = HashMap::new();
        for some in sources.chunks(AT_ONCE) {
            let begun: Vec<_> = some
                .iter()
                .map(|source| (source, begin(source, folder.path())))
                .collect();
            for (source, mut compiler) in begun {
                let status = compiler.wait().expect("a compiler");
                assert!(status.success(), "{source} does not compile");
                let program = std::fs::read(output(source, folder.path())).expect("a program");
                programs.insert(source.clone(), program.into());
            }
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
}

fn output(source: &str, folder: &Path) -> std::path::PathBuf {
    folder.join(source.replace('/', "-"))
}

fn begin(source: &str, folder: &Path) -> std::process::Child {
    let corpus = Case::corpus();
    Command::new("/usr/bin/gcc")
        .args(["-std=gnu17", "-static", "-O1", "-s", "-w", "-pthread", "-I"])
        .arg(&corpus)
        .arg("-o")
        .arg(output(source, folder))
        .arg(corpus.join(source))
        .spawn()
        .expect("gcc and a static libc are installed")
}

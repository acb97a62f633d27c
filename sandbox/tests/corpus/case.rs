//! The format of an entry: `attacks/{id}/case.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One attack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The name of its folder too.
    pub(crate) id: String,
    /// What it would be if it succeeded.
    pub(crate) class: Class,
    pub(crate) language: Language,
    /// The attack itself, a file of its folder.
    pub(crate) source: String,
    pub(crate) limits: Limits,
    /// Further files of its folder that go into the cell.
    #[serde(default)]
    pub(crate) files: Vec<String>,
    /// The command, for [`Language::Argv`].
    #[serde(default)]
    pub(crate) argv: Vec<String>,
    /// Its environment, with what the harness gives to all.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Typed once it has said something (on a terminal), else at once.
    pub(crate) stdin: Option<String>,
    /// Mebibytes of standard input.
    pub(crate) stdin_mb: Option<usize>,
    /// Runs on a pseudo terminal.
    #[serde(default)]
    pub(crate) terminal: bool,
    /// The step is a compiler's: its verdicts are those of compiling.
    #[serde(default)]
    pub(crate) compile: bool,
    /// How often it is run in succession.
    #[serde(default = "once")]
    pub(crate) runs: usize,
    /// How many run at once when the entry is run alone.
    #[serde(default = "once")]
    pub(crate) copies: usize,
    /// How many run at once when eight are asked for: fewer where one takes seconds of CPU time.
    #[serde(default = "eight")]
    pub(crate) at_once: usize,
    /// Paths that are taken out of its cell afterwards, within [`run::TAKEN`](super::run::TAKEN).
    #[serde(default)]
    pub(crate) collect: Vec<String>,
    pub(crate) expect: Expect,
    /// What is different with an engine, by its name.
    #[serde(default)]
    pub(crate) engine: BTreeMap<String, OnEngine>,
}

fn once() -> usize {
    1
}

fn eight() -> usize {
    8
}

/// What an attack would be if it succeeded, as `docs/SECURITY.md` has it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Class {
    Escape,
    HostLeak,
    Exfil,
    Lateral,
    HostDoS,
    PeerDoS,
    /// Hurts itself alone, and is told so in the right words.
    SelfDoS,
    /// The record of what it did would be wrong.
    Integrity,
}

/// How the source is run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// Compiled by the harness beforehand, without any library that the cell would need.
    C,
    Sh,
    Bash,
    Python,
    /// Compiled and run in the cell, as one step.
    Java,
    /// As [`Case::argv`] says; the source lies in the working directory.
    Argv,
}

/// What a run may use.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) cpu_ms: u64,
    pub(crate) wall_ms: u64,
    pub(crate) memory_mb: u64,
    pub(crate) processes: u32,
    pub(crate) output_kb: usize,
    #[serde(default = "disk_mb")]
    pub(crate) disk_mb: u64,
}

fn disk_mb() -> u64 {
    64
}

/// What must be so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Any of these. `OK(n)` is any exit code.
    pub(crate) verdict: Vec<String>,
    /// Exactly this on standard output, or on the terminal with plain line ends.
    pub(crate) stdout: Option<String>,
    /// This many bytes of standard output.
    pub(crate) stdout_bytes: Option<usize>,
    /// This many lines of standard output.
    pub(crate) lines: Option<usize>,
    /// All of these somewhere on standard output.
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    /// All of these somewhere on standard error.
    #[serde(default)]
    pub(crate) stderr_contains: Vec<String>,
    /// None of these anywhere.
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// Exactly these probes say `OPEN`.
    pub(crate) open: Option<Vec<String>>,
    /// This many probes say `DENIED`.
    pub(crate) denied: Option<usize>,
    /// What is denied is denied with one of these errors.
    pub(crate) errors: Option<Vec<String>>,
    /// Exactly these files come out of its cell.
    pub(crate) collected: Option<Vec<String>>,
    /// No two copies print the same.
    #[serde(default)]
    pub(crate) distinct: bool,
    pub(crate) cpu_at_most_ms: Option<u64>,
    pub(crate) wall_at_least_ms: Option<u64>,
    pub(crate) wall_at_most_ms: Option<u64>,
    pub(crate) output_at_most_kb: Option<usize>,
}

/// What is different with one engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnEngine {
    /// Why it does not apply there.
    pub(crate) skip: Option<String>,
    /// In place of what holds elsewhere.
    pub(crate) expect: Option<Expect>,
}

impl Case {
    /// Where all entries are.
    pub(crate) fn corpus() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/attacks")
    }

    /// Where this entry is.
    pub(crate) fn folder(&self) -> PathBuf {
        Self::corpus().join(&self.id)
    }

    /// Reads the entry with an id.
    pub(crate) fn read(id: &str) -> Self {
        let path = Self::corpus().join(id).join("case.toml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{id}: {error}"));
        let case: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(case.id, id, "an entry has the name of its folder");
        case
    }

    /// Reads all entries whose id starts so, in order.
    pub(crate) fn read_all(prefix: &str) -> Vec<Self> {
        let entries = std::fs::read_dir(Self::corpus())
            .expect("a corpus")
            .flatten();
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut ids: Vec<_> = folders.map(|entry| entry.file_name()).collect();
        ids.sort();
        let ids = ids.iter().filter_map(|id| id.to_str());
        let ids = ids.filter(|id| id.starts_with(prefix));
        ids.map(Self::read).collect()
    }

    /// The entry as it is on an engine, or why it does not apply there.
    pub(crate) fn on(mut self, engine: &str) -> Result<Self, String> {
        match self.engine.remove(engine) {
            Some(OnEngine {
                skip: Some(why), ..
            }) => Err(why),
            Some(OnEngine {
                expect: Some(expect),
                ..
            }) => Ok(Self { expect, ..self }),
            _ => Ok(self),
        }
    }
}

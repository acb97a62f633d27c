//! Language definitions: what a language needs, how its programs are compiled and run, and how it
//! is tested. Reading one is pure; whoever embeds or reads the files hands over their text.
//!
//! # The file
//!
//! `languages/{id}.toml` is the whole definition of the language `{id}` (1 to 32 of `a-z 0-9 _ -`).
//! An unknown field is refused.
//!
//! ```toml
//! name = "C"                            # for people
//! aliases = ["gcc"]                     # other ids that submissions may use
//! extensions = ["c"]                    # endings, without dot, of the files that {sources} stands for
//! entry = "main.c"                      # usual name of the file to start with
//! editor = "c"                          # the language's name in the browser's editor; default: the id
//!
//! [environment]                         # of every step; PATH, HOME and LANG have defaults
//! LC_ALL = "C.UTF-8"
//!
//! [toolchain]
//! packages = ["gcc"]                    # Debian packages that provide it, for `make setup`, which
//! programs = ["/usr/bin/gcc"]           # installs them unless all these programs are there;
//!                                       # `make setup` wants each of these two arrays on one line
//! etc = ["alternatives"]                # names in the host's /etc that it reads
//!
//! [[toolchain.mounts]]                  # trees outside /usr, seen read-only in the jail
//! host_command = ["rustc", "--print", "sysroot"]   # first line of its output is the host's path,
//! # host = "{tools}/typescript"         # or the path itself; {tools} is the folder of `make setup`
//! inside = "/opt/rust"                  # absolute path in the jail; default: as on the host
//! optional = false                      # if true, a missing host side is passed over
//!
//! [toolchain.version]
//! argv = ["/usr/bin/gcc", "-dumpfullversion"]      # run in the jail
//! after = ""                            # the version is the word behind the first such text,
//!                                       # in what it printed on either stream
//!
//! [compile]                             # left out for interpreted languages
//! argv = ["/usr/bin/gcc", "-o", "{entry_stem}", "{options}", "{sources}"]
//! environment = {}                      # added for this step
//! limits = { memory_mb = 1024 }         # of this step; what is left out has the defaults of COMPILE_LIMITS
//!
//! cache_unless = ["__DATE__"]           # what it makes is kept for whoever sends the same, unless a file
//!                                       # holds one of these texts, with which it is not the same each
//!                                       # time; left out: nothing is kept
//!
//! [compile.options]                     # compiler options that a submission may give
//! exact = ["-O2"]
//! prefixes = ["-D"]                     # followed by at least one of A-Z a-z 0-9 _ = + . -
//!
//! [run]
//! argv = ["./{entry_stem}", "{args}"]
//! environment = {}
//!
//! [run.limits.memory_mb]                # where the language needs more than the general range
//! default = 512
//! min = 64
//!
//! [run.warm]                            # a runtime that waits started; also [compile.warm]
//! way = "fork"                          # cells are forks of it; "start": each starts its own
//! argv = ["/usr/bin/python3", "{entry}"]           # started with the usual entry and no arguments; with
//!                                       # {memory_mb} only for programs with the default memory limit
//! environment = { PYTHONPATH = "{host}" }          # added; {host} is the folder of its files, here and in argv
//! words = ["{entry}", "{args}"]         # what it is then told
//! not_with = ["PYTHON*", "LANG"]        # variables of a submission that need a fresh start
//! needs = "/opt/x/hook"                 # a file in the cells without which there is no such runtime
//! terminal = true                       # whether it can do the step on a terminal
//! parked = { least = 1, most = 8 }      # cells that wait, as demand goes
//! files = { "host.py" = "..." }         # its program; the sandbox's `WarmHost` says what it does
//!
//! [[self_test]]                         # at least one named "hello", which is also the first program shown
//! name = "hello"
//! files = { "main.c" = "..." }
//! entry = "main.c"                      # default: the language's
//! args = []
//! options = []
//! stdin = ""
//! outcome = { kind = "exited", code = 0 }
//! stdout = "Hello, world\n"             # exact; left out: not looked at
//! stderr_contains = "..."               # what the compiler or the program must have written there
//! ```
//!
//! # Templates
//!
//! A word of `argv` may hold `{entry}` (the entry's name), `{entry_stem}` (without its last ending)
//! and `{memory_mb}` (the memory limit of the step). A word that is exactly `{sources}` becomes one
//! word for each file with one of `extensions`, the entry in front whatever its ending; `{args}` and
//! `{options}` become the submission's arguments and compiler options. A file name that a tool could
//! mistake for an option (it begins with something else than a letter, a digit, `_` or `.`) gets `./`
//! in front. `{{` and `}}` are braces. The program, the first word, is an absolute path in the jail
//! or begins with `./`.

mod catalog;
mod check;
mod options;
mod self_test;
mod template;
mod warm;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{LimitRange, Limits};

pub use catalog::Catalog;
pub use options::{CompilerOptions, OptionRefusal};
pub use self_test::SelfTest;
pub use template::Program;
pub use warm::{ParkedRange, WarmCommand, WarmHost, WarmWay, WarmWords};

/// Variables that every step has unless the language says otherwise.
const BASE_ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("HOME", "/box"),
    ("LANG", "C.UTF-8"),
];

/// What a compile step may use where the language does not say.
pub const COMPILE_LIMITS: Limits = Limits {
    wall_ms: 30_000,
    cpu_ms: 30_000,
    memory_mb: 1_024,
    processes: 64,
    file_mb: 128,
    disk_mb: 256,
    output_kb: 256,
};

/// A language, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageDefinition {
    /// The name of its file, without `.toml`.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Other ids that are understood.
    pub aliases: Vec<String>,
    /// Endings of its files, without the dot.
    pub extensions: Vec<String>,
    /// The usual name of the file to start with.
    pub entry: String,
    /// The language's name in the browser's editor.
    pub editor: String,
    /// Variables of every step, complete.
    pub environment: BTreeMap<String, String>,
    /// What the host must have.
    pub toolchain: Toolchain,
    /// How programs are compiled, where they are.
    pub compile: Option<CompileStep>,
    /// How programs are run.
    pub run: RunStep,
    /// Programs that show that the language works.
    pub self_tests: Vec<SelfTest>,
}

/// What the host must have for a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// Debian packages that provide it.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Programs, by path or by name on `PATH`, that show that the packages are not needed.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Names in the host's `/etc` that it reads.
    #[serde(default)]
    pub etc: Vec<String>,
    /// Trees outside `/usr` that it needs.
    #[serde(default)]
    pub mounts: Vec<ToolchainMount>,
    /// How to learn its version.
    pub version: VersionProbe,
}

/// A file or folder of the host that is seen read-only in the jail.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "check::RawMount")]
pub struct ToolchainMount {
    /// Where it is on the host.
    pub host: HostPath,
    /// Its absolute path in the jail; `None`: as on the host.
    pub inside: Option<String>,
    /// Whether the language also works without it.
    pub optional: bool,
}

/// How a path on the host is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPath {
    /// The path; see [`HostPath::resolve`].
    Path(String),
    /// A command whose first line of output is the path.
    Command(Vec<String>),
}

impl HostPath {
    /// The path with `{tools}` replaced, or `None` where a command tells it.
    #[must_use]
    pub fn resolve(&self, tools: &str) -> Option<String> {
        match self {
            Self::Path(path) => Some(path.replacen("{tools}", tools, 1)),
            Self::Command(_) => None,
        }
    }
}

/// How to learn the version of a toolchain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionProbe {
    /// The command, run in the jail.
    pub argv: Vec<String>,
    /// The version is the word behind the first such text in its output.
    #[serde(default)]
    pub after: String,
}

impl VersionProbe {
    /// Reads the version from what the command printed.
    #[must_use]
    pub fn read(&self, output: &str) -> Option<String> {
        let (_, rest) = output.split_once(&self.after)?;
        let word = rest.split_whitespace().next()?;
        Some(word.trim_end_matches([',', ';', ')']).to_owned()).filter(|word| !word.is_empty())
    }
}

/// How programs are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileStep {
    /// The template of the command.
    pub argv: Vec<String>,
    /// Variables added for this step.
    pub environment: BTreeMap<String, String>,
    /// What the step may use.
    pub limits: Limits,
    /// Compiler options that a submission may give.
    pub options: CompilerOptions,
    /// The compiler, if one is kept started.
    pub warm: Option<WarmHost>,
    /// Texts in a file with which the step does not make the same each time; `None` where it never
    /// does for sure.
    pub cache_unless: Option<Vec<String>>,
}

/// How programs are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// The template of the command.
    pub argv: Vec<String>,
    /// Variables added for this step.
    pub environment: BTreeMap<String, String>,
    /// What a submission may ask for, in the order of [`LimitRange::ALL`].
    pub limits: [LimitRange; 7],
    /// The runtime, if one is kept started.
    pub warm: Option<WarmHost>,
}

/// A definition that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LanguageError {
    /// It is not TOML, or not of the right shape.
    #[error("languages/{language}.toml: {message}")]
    Toml {
        /// The language's id.
        language: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A field has a value that makes no sense.
    #[error("languages/{language}.toml: {field} is {given}; allowed is {allowed}")]
    Field {
        /// The language's id.
        language: String,
        /// The field.
        field: String,
        /// What it says.
        given: String,
        /// What it may say.
        allowed: String,
    },
    /// Two languages want the same name.
    #[error("the languages {first} and {second} both claim the name {name:?}")]
    Ambiguous {
        /// The id or alias.
        name: String,
        /// One language's id.
        first: String,
        /// The other's.
        second: String,
    },
}

impl LanguageDefinition {
    /// Reads the definition of the language `id`.
    pub fn from_toml(id: &str, text: &str) -> Result<Self, LanguageError> {
        check::read(id, text)
    }

    /// The command that compiles `program`, where there is one.
    #[must_use]
    pub fn compile_argv(&self, program: &Program<'_>) -> Option<Vec<String>> {
        let step = self.compile.as_ref()?;
        Some(template::expand(
            &step.argv,
            &self.extensions,
            program,
            step.limits.memory_mb,
        ))
    }

    /// Whether the compile step makes the same of these files each time.
    pub fn compiles_repeatably<'a>(&self, mut contents: impl Iterator<Item = &'a [u8]>) -> bool {
        let Some(step) = &self.compile else {
            return false;
        };
        let Some(unless) = &step.cache_unless else {
            return false;
        };
        let holds = |content: &[u8], text: &[u8]| content.windows(text.len()).any(|it| it == text);
        !contents.any(|content| unless.iter().any(|text| holds(content, text.as_bytes())))
    }

    /// The variables of the compile step.
    #[must_use]
    pub fn compile_environment(&self) -> Vec<(String, String)> {
        let own = self.compile.iter().flat_map(|step| &step.environment);
        merge(self.environment.iter().chain(own))
    }

    /// The command that runs `program` under `limits`.
    #[must_use]
    pub fn run_argv(&self, program: &Program<'_>, limits: &Limits) -> Vec<String> {
        template::expand(&self.run.argv, &self.extensions, program, limits.memory_mb)
    }

    /// The variables of the run step; those of the submission win.
    #[must_use]
    pub fn run_environment(&self, submitted: &BTreeMap<String, String>) -> Vec<(String, String)> {
        merge(
            self.environment
                .iter()
                .chain(&self.run.environment)
                .chain(submitted),
        )
    }

    /// What a run may use that asks for nothing.
    #[must_use]
    pub fn default_limits(&self) -> Limits {
        let [
            wall_ms,
            cpu_ms,
            memory_mb,
            processes,
            file_mb,
            disk_mb,
            output_kb,
        ] = self.run.limits.map(|range| range.default);
        Limits {
            wall_ms,
            cpu_ms,
            memory_mb,
            processes,
            file_mb,
            disk_mb,
            output_kb,
        }
    }

    /// Refuses compiler options that the language does not allow.
    pub fn check_options(&self, options: &[String]) -> Result<(), OptionRefusal> {
        match &self.compile {
            Some(step) => step.options.check(options),
            None => CompilerOptions::default().check(options),
        }
    }

    /// The program that the self-test `hello` runs, to begin with.
    #[must_use]
    pub fn hello_world(&self) -> &str {
        let hello = self
            .self_tests
            .iter()
            .find(|test| test.name == self_test::HELLO);
        hello
            .and_then(|test| test.files.get(test.entry(self)))
            .map_or("", String::as_str)
    }
}

/// Later ones win.
fn merge<'a>(variables: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<(String, String)> {
    let merged: BTreeMap<&String, &String> = variables.collect();
    merged
        .into_iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;

//! Runtimes that are started before there is a program for them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Checker;
use super::template::{self, Program};
use super::{LanguageDefinition, LanguageError, merge};

/// How the runtime of a step is kept started. It does the step only where the program cannot tell
/// the difference.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmHost {
    /// How it comes into the cells.
    pub way: WarmWay,
    /// The template of the command that starts it, filled with the language's usual entry and no
    /// arguments. A program that starts with another file is not for it.
    pub argv: Vec<String>,
    /// Variables added to those of the step until it is told the program's; `{host}` is the
    /// folder of its files in the cell.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// The template of what it is told to do.
    words: Vec<String>,
    /// Variables that it reads when it starts, which is too early for those of a submission: their
    /// names, or how they begin, with a `*` at the end.
    #[serde(default)]
    not_with: Vec<String>,
    /// A file in the cells without which there is no such runtime, where that is not sure to be
    /// there.
    pub needs: Option<String>,
    /// Whether it can also do the step on a terminal.
    #[serde(default)]
    pub terminal: bool,
    /// How many cells of it wait.
    pub parked: ParkedRange,
    /// Its program: names of files, and what is in them. `{entry}` is a stand-in for the program of
    /// a step, in the working directory until there is one; only where cells are forks.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// What a warm runtime is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmWords {
    /// Which of the language's runtimes, in the order of its steps.
    pub runtime: usize,
    /// The words.
    pub words: Vec<String>,
}

/// How a warm runtime comes into a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmWay {
    /// Each cell is a fork of one that runs no program itself.
    Fork,
    /// One is started in each cell.
    Start,
}

/// How a warm runtime is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its whole environment, in order.
    pub environment: Vec<(String, String)>,
}

/// How many cells wait for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParkedRange {
    /// Even if nobody has asked for one in a while.
    pub least: usize,
    /// However many are asked for at once.
    pub most: usize,
}

impl LanguageDefinition {
    /// The language's warm runtimes: none, one, or the one that compiles and the one that runs.
    pub fn warm(&self) -> impl Iterator<Item = &WarmHost> {
        let compiler = self.compile.as_ref().and_then(|step| step.warm.as_ref());
        compiler.into_iter().chain(&self.run.warm)
    }

    /// How the warm runtimes are started whose files are in `folder`.
    #[must_use]
    pub fn warm_commands(&self, folder: &str) -> Vec<WarmCommand> {
        let compiler = self.compile.as_ref().and_then(|step| {
            let host = step.warm.as_ref()?;
            Some((host, self.compile_environment(), step.limits.memory_mb))
        });
        let runtime = self.run.warm.as_ref().map(|host| {
            let environment = self.run_environment(&BTreeMap::new());
            (host, environment, self.default_limits().memory_mb)
        });
        let all = compiler.into_iter().chain(runtime);
        all.map(|(host, environment, memory_mb)| {
            let own: BTreeMap<String, String> = environment.into_iter().collect();
            let added = host.environment(folder);
            WarmCommand {
                argv: host.command(&self.extensions, &self.entry, (memory_mb, folder)),
                environment: merge(own.iter().chain(&added)),
            }
        })
        .collect()
    }

    /// What the warm compiler is told for `program`; `None` if there is none that can compile it.
    #[must_use]
    pub fn compile_words(&self, program: &Program<'_>) -> Option<WarmWords> {
        let host = self.compile.as_ref()?.warm.as_ref()?;
        let words = host.words(&self.extensions, &self.entry, program, &BTreeMap::new())?;
        Some(WarmWords { runtime: 0, words })
    }

    /// What the warm runtime is told for `program` with the submission's variables and limits;
    /// `None` if there is none that can run it, on a terminal if so.
    #[must_use]
    pub fn run_words(
        &self,
        program: &Program<'_>,
        submitted: &BTreeMap<String, String>,
        (memory_mb, on_terminal): (u64, bool),
    ) -> Option<WarmWords> {
        let host = self.run.warm.as_ref()?;
        let other_memory = memory_mb != self.default_limits().memory_mb;
        if on_terminal && !host.terminal || other_memory && host.knows_its_memory() {
            return None;
        }
        let words = host.words(&self.extensions, &self.entry, program, submitted)?;
        let runtime = self.warm().count() - 1;
        Some(WarmWords { runtime, words })
    }
}

impl WarmHost {
    /// The words of its command.
    pub(super) fn command(
        &self,
        extensions: &[String],
        entry: &str,
        (memory_mb, folder): (u64, &str),
    ) -> Vec<String> {
        let program = Program {
            entry,
            files: &[entry],
            args: &[],
            options: &[],
        };
        template::expand(&self.argv(folder), extensions, &program, memory_mb)
    }

    /// The template of its command, with the folder of its files in it.
    fn argv(&self, folder: &str) -> Vec<String> {
        let words = self.argv.iter();
        words.map(|word| word.replace("{host}", folder)).collect()
    }

    /// Whether it was told when it was started how much memory there is.
    fn knows_its_memory(&self) -> bool {
        self.argv.iter().any(|word| word.contains("{memory_mb}"))
    }

    /// Its files, and where they are: in a folder, or in the working directory with the name of the
    /// language's usual entry.
    pub fn placed_files<'a>(
        &'a self,
        entry: &'a str,
        working_directory: &'a str,
    ) -> impl Iterator<Item = (String, &'a str)> {
        self.files.iter().map(move |(name, content)| {
            let place = match name.as_str() {
                STAND_IN => format!("{working_directory}/{entry}"),
                _ => name.clone(),
            };
            (place, content.as_str())
        })
    }

    /// The variables that are added until it is told the program's.
    pub(super) fn environment(&self, folder: &str) -> BTreeMap<String, String> {
        let filled = self.environment.iter();
        filled
            .map(|(name, value)| (name.clone(), value.replace("{host}", folder)))
            .collect()
    }

    /// What it is told to do for a program; `None` if it cannot do that.
    pub(super) fn words(
        &self,
        extensions: &[String],
        usual_entry: &str,
        program: &Program<'_>,
        given: &BTreeMap<String, String>,
    ) -> Option<Vec<String>> {
        let too_late = |name: &String| self.not_with.iter().any(|it| matches(it, name));
        if program.entry != usual_entry || given.keys().any(too_late) {
            return None;
        }
        // Nobody sizes anything by it once it has started.
        Some(template::expand(&self.words, extensions, program, 0))
    }

    pub(super) fn check(&self, checker: &Checker<'_>, step: &str) -> Result<(), LanguageError> {
        checker.template(&format!("{step}.warm.argv"), &self.argv(""))?;
        let needs = self.needs.as_deref();
        let field = format!("{step}.warm.needs");
        let absolute = needs.is_none_or(|path| path.starts_with('/'));
        checker.require(
            absolute,
            &field,
            needs.unwrap_or_default(),
            "an absolute path",
        )?;
        template::check_words(&self.words).map_err(|(given, allowed)| {
            checker.refusal(&format!("{step}.warm.words"), given, allowed)
        })?;
        for name in self.files.keys() {
            let is_stand_in = name == STAND_IN;
            checker.require(
                !is_stand_in || self.way == WarmWay::Fork,
                &format!("{step}.warm.files"),
                name,
                "a stand-in for the program only with way = \"fork\"",
            )?;
            let ok = (1..=255).contains(&name.len())
                && !name.starts_with('.')
                && !name.contains(['/', '\0']);
            let allowed = "file names without / that do not begin with a dot";
            checker.require(ok, &format!("{step}.warm.files"), name, allowed)?;
        }
        let given = format!("least {}, most {}", self.parked.least, self.parked.most);
        checker.require(
            self.parked.least <= self.parked.most,
            &format!("{step}.warm.parked"),
            &given,
            "least <= most",
        )
    }
}

/// Among the files of a warm runtime, the one that stands where a program will be.
const STAND_IN: &str = "{entry}";

/// Whether a variable's name is, or begins as, a pattern says.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARM: &str = r#"
[run.warm]
way = "fork"
argv = ["/usr/bin/x", "{entry}", "{host}/hook"]
environment = { HOOK = "{host}/hook" }
words = ["{entry}", "{args}"]
not_with = ["LANG", "X_*"]
parked = { least = 1, most = 2 }
files = { "hook" = "text" }
"#;

    fn warm(change: impl FnOnce(String) -> String) -> Result<LanguageDefinition, LanguageError> {
        let test = "[[self_test]]\nname = \"hello\"\nfiles = { \"main.x\" = \"\" }\n\
            outcome = { kind = \"exited\", code = 0 }\n";
        let head = "name = \"X\"\nextensions = [\"x\"]\nentry = \"main.x\"\n\
            [toolchain.version]\nargv = [\"/usr/bin/x\"]\n\
            [run]\nargv = [\"/usr/bin/x\", \"{entry}\", \"{args}\"]\n";
        LanguageDefinition::from_toml("x", &change(format!("{head}{WARM}{test}")))
    }

    #[test]
    fn a_warm_host_is_started_with_the_usual_entry() {
        let commands = warm(|text| text).unwrap().warm_commands("/folder");
        let [command] = &commands[..] else {
            panic!("one runtime: {commands:?}");
        };
        assert_eq!(command.argv, ["/usr/bin/x", "main.x", "/folder/hook"]);
        let hook = ("HOOK".to_owned(), "/folder/hook".to_owned());
        assert!(command.environment.contains(&hook));
    }

    #[test]
    fn a_warm_host_is_told_only_what_it_can_do() {
        let language = warm(|text| text).unwrap();
        let args = ["a".to_owned(), "{entry}".to_owned()];
        let memory_mb = language.default_limits().memory_mb;
        let words = |entry: &str, variable: &str, on_terminal: bool| {
            let program = Program {
                entry,
                files: &[entry],
                args: &args,
                options: &[],
            };
            let given = BTreeMap::from([(variable.to_owned(), String::new())]);
            let told = language.run_words(&program, &given, (memory_mb, on_terminal));
            told.map(|told| told.words)
        };
        let told = words("main.x", "OTHER", false).unwrap();
        assert_eq!(told, ["main.x", "a", "{entry}"]);
        assert_eq!(words("other.x", "OTHER", false), None);
        assert_eq!(words("main.x", "LANG", false), None);
        assert_eq!(words("main.x", "X_1", false), None);
        assert!(words("main.x", "LANGUAGE", false).is_some());
        assert_eq!(words("main.x", "OTHER", true), None);
    }

    #[test]
    fn a_warm_host_that_knows_its_memory_is_for_no_other_limit() {
        let knows = |text: String| text.replace("\"{host}/hook\"]", "\"-m{memory_mb}\"]");
        let plain = warm(|text| text).unwrap();
        let knowing = warm(knows).unwrap();
        let program = Program {
            entry: "main.x",
            files: &["main.x"],
            args: &[],
            options: &[],
        };
        let usual = plain.default_limits().memory_mb;
        for (language, memory_mb, can) in [
            (&plain, usual, true),
            (&plain, usual + 1, true),
            (&knowing, usual, true),
            (&knowing, usual + 1, false),
        ] {
            let told = language.run_words(&program, &BTreeMap::new(), (memory_mb, false));
            assert_eq!(told.is_some(), can, "{memory_mb}");
        }
        let command = &knowing.warm_commands("/folder")[0];
        assert_eq!(command.argv[2], format!("-m{usual}"));
    }

    #[test]
    fn a_stand_in_is_where_the_program_will_be() {
        let stand_in = |text: String| text.replace("\"hook\" =", "\"{entry}\" =");
        let language = warm(stand_in).unwrap();
        let host = language.run.warm.as_ref().unwrap();
        let files: Vec<_> = host.placed_files("main.x", "/work").collect();
        assert_eq!(files, [("/work/main.x".to_owned(), "text")]);
        // A cell in which a runtime is started has the working directory of its step already.
        let started = |text| stand_in(text).replace("\"fork\"", "\"start\"");
        let refused = warm(started).unwrap_err();
        assert!(refused.to_string().contains("run.warm.files"), "{refused}");
    }

    #[test]
    fn a_warm_host_that_makes_no_sense_is_refused() {
        for (from, to, field) in [
            ("\"hook\" =", "\"../hook\" =", "run.warm.files"),
            ("least = 1", "least = 3", "run.warm.parked"),
            (
                "words = [\"{entry}\"",
                "words = [\"{file}\"",
                "run.warm.words",
            ),
            (
                "argv = [\"/usr/bin/x\", \"{entry}\", \"{host}/hook\"]",
                "argv = [\"x\"]",
                "run.warm.argv",
            ),
            (
                "not_with = ",
                "needs = \"x\"\nnot_with = ",
                "run.warm.needs",
            ),
        ] {
            let refused = warm(|text| text.replace(from, to)).unwrap_err();
            assert!(refused.to_string().contains(field), "{refused}");
        }
    }
}

//! Reads a definition and refuses what makes no sense, with the field, what it says and what it
//! may say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    BASE_ENVIRONMENT, COMPILE_LIMITS, CompileStep, CompilerOptions, HostPath, LanguageDefinition,
    LanguageError, RunStep, SelfTest, Toolchain, ToolchainMount, WarmHost, WarmWay, self_test,
    template,
};
use crate::{LimitRange, Limits};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    extensions: Vec<String>,
    entry: String,
    editor: Option<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    toolchain: Toolchain,
    compile: Option<RawCompile>,
    run: RawRun,
    self_test: Vec<SelfTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCompile {
    argv: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    #[serde(default)]
    options: CompilerOptions,
    warm: Option<WarmHost>,
    cache_unless: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRun {
    argv: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    limits: BTreeMap<String, RawRange>,
    warm: Option<WarmHost>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRange {
    default: Option<u64>,
    min: Option<u64>,
}

/// A mount as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMount {
    host: Option<String>,
    host_command: Option<Vec<String>>,
    inside: Option<String>,
    #[serde(default)]
    optional: bool,
}

impl TryFrom<RawMount> for ToolchainMount {
    type Error = String;

    fn try_from(raw: RawMount) -> Result<Self, String> {
        let absolute =
            |path: &String| path.starts_with('/') && !path.split('/').any(|it| it == "..");
        let host = match (raw.host, raw.host_command) {
            (Some(path), None) if absolute(&path) || path.starts_with("{tools}/") => {
                HostPath::Path(path)
            }
            (None, Some(command)) if !command.is_empty() => HostPath::Command(command),
            (Some(path), None) => {
                return Err(format!(
                    "host is {path:?}; allowed is an absolute path, or one below {{tools}}/"
                ));
            }
            _ => return Err("a mount has either host or host_command".to_owned()),
        };
        match raw.inside {
            Some(path) if !absolute(&path) => Err(format!(
                "inside is {path:?}; allowed is an absolute path without .."
            )),
            inside => Ok(Self {
                host,
                inside,
                optional: raw.optional,
            }),
        }
    }
}

/// Names the field that a check is about.
pub(super) struct Checker<'a> {
    language: &'a str,
}

impl Checker<'_> {
    pub(super) fn require(
        &self,
        ok: bool,
        field: &str,
        given: &str,
        allowed: &str,
    ) -> Result<(), LanguageError> {
        if ok {
            Ok(())
        } else {
            Err(self.refusal(field, format!("{given:?}"), allowed.to_owned()))
        }
    }

    pub(super) fn refusal(&self, field: &str, given: String, allowed: String) -> LanguageError {
        LanguageError::Field {
            language: self.language.to_owned(),
            field: field.to_owned(),
            given,
            allowed,
        }
    }

    pub(super) fn template(&self, field: &str, argv: &[String]) -> Result<(), LanguageError> {
        template::check(argv).map_err(|(given, allowed)| self.refusal(field, given, allowed))
    }
}

pub(super) fn read(id: &str, text: &str) -> Result<LanguageDefinition, LanguageError> {
    let raw: Raw = toml::from_str(text).map_err(|error| LanguageError::Toml {
        language: id.to_owned(),
        message: error.to_string().trim().to_owned(),
    })?;
    let checker = Checker { language: id };
    check_names(&checker, id, &raw)?;
    checker.template("toolchain.version.argv", &raw.toolchain.version.argv)?;
    let language = LanguageDefinition {
        id: id.to_owned(),
        editor: raw.editor.unwrap_or_else(|| id.to_owned()),
        name: raw.name,
        aliases: raw.aliases,
        extensions: raw.extensions,
        entry: raw.entry,
        environment: with_base(raw.environment),
        toolchain: raw.toolchain,
        compile: raw
            .compile
            .map(|step| compile_step(&checker, step))
            .transpose()?,
        run: run_step(&checker, raw.run)?,
        self_tests: raw.self_test,
    };
    check_warm(&checker, &language)?;
    check_self_tests(&checker, &language)?;
    Ok(language)
}

/// One that is forked is the only one of its cells.
fn check_warm(checker: &Checker<'_>, language: &LanguageDefinition) -> Result<(), LanguageError> {
    let compile = language.compile.as_ref().and_then(|it| it.warm.as_ref());
    let run = language.run.warm.as_ref();
    if let Some(host) = compile {
        host.check(checker, "compile")?;
    }
    if let Some(host) = run {
        host.check(checker, "run")?;
    }
    let both = compile.zip(run);
    let fit = both.is_none_or(|(one, other)| [one.way, other.way] == [WarmWay::Start; 2]);
    let allowed = "two warm hosts only with way = \"start\" for both";
    checker.require(fit, "run.warm.way", "fork", allowed)
}

fn with_base(own: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let base = BASE_ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    base.into_iter().chain(own).collect()
}

fn check_names(checker: &Checker<'_>, id: &str, raw: &Raw) -> Result<(), LanguageError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let id_ok = (1..=32).contains(&id.len()) && id.chars().all(plain);
    checker.require(id_ok, "id", id, "1 to 32 of a-z 0-9 _ -")?;
    checker.require(
        !raw.name.trim().is_empty(),
        "name",
        &raw.name,
        "a name for people",
    )?;
    for alias in &raw.aliases {
        let ok = (1..=32).contains(&alias.len())
            && alias
                .chars()
                .all(|c| plain(c) || matches!(c, '+' | '#' | '.'));
        checker.require(ok, "aliases", alias, "1 to 32 of a-z 0-9 _ - + # .")?;
    }
    checker.require(
        !raw.extensions.is_empty(),
        "extensions",
        "",
        "at least one ending",
    )?;
    for extension in &raw.extensions {
        let ok = !extension.is_empty()
            && extension
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '+');
        checker.require(
            ok,
            "extensions",
            extension,
            "letters, digits and +, without the dot",
        )?;
    }
    checker.require(is_file_name(&raw.entry), "entry", &raw.entry, FILE_NAME)?;
    for name in &raw.toolchain.etc {
        let ok =
            !name.is_empty() && !name.starts_with('/') && !name.split('/').any(|it| it == "..");
        checker.require(ok, "toolchain.etc", name, "a path below /etc, without ..")?;
    }
    Ok(())
}

const FILE_NAME: &str = "a file name of 1 to 255 bytes without / and NUL";

fn is_file_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name != "." && name != ".." && !name.contains(['/', '\0'])
}

fn compile_step(checker: &Checker<'_>, raw: RawCompile) -> Result<CompileStep, LanguageError> {
    checker.template("compile.argv", &raw.argv)?;
    let mut limits = COMPILE_LIMITS;
    for (field, value) in &raw.limits {
        let place = limit_field(&mut limits, field);
        let Some(place) = place else {
            return Err(unknown_limit(checker, "compile.limits", field));
        };
        checker.require(
            *value > 0,
            &format!("compile.limits.{field}"),
            &value.to_string(),
            "more than 0",
        )?;
        *place = *value;
    }
    for option in raw.options.exact.iter().chain(&raw.options.prefixes) {
        checker.require(
            option.starts_with('-'),
            "compile.options",
            option,
            "options that begin with -",
        )?;
    }
    for text in raw.cache_unless.iter().flatten() {
        let ok = !text.is_empty();
        checker.require(
            ok,
            "compile.cache_unless",
            text,
            "texts of at least one byte",
        )?;
    }
    Ok(CompileStep {
        argv: raw.argv,
        environment: raw.environment,
        limits,
        options: raw.options,
        warm: raw.warm,
        cache_unless: raw.cache_unless,
    })
}

fn limit_field<'a>(limits: &'a mut Limits, field: &str) -> Option<&'a mut u64> {
    Some(match field {
        "wall_ms" => &mut limits.wall_ms,
        "cpu_ms" => &mut limits.cpu_ms,
        "memory_mb" => &mut limits.memory_mb,
        "processes" => &mut limits.processes,
        "file_mb" => &mut limits.file_mb,
        "disk_mb" => &mut limits.disk_mb,
        "output_kb" => &mut limits.output_kb,
        _ => return None,
    })
}

fn unknown_limit(checker: &Checker<'_>, table: &str, field: &str) -> LanguageError {
    let known = LimitRange::ALL.map(|range| range.field).join(", ");
    checker.refusal(table, format!("about {field:?}"), known)
}

fn run_step(checker: &Checker<'_>, raw: RawRun) -> Result<RunStep, LanguageError> {
    checker.template("run.argv", &raw.argv)?;
    let mut limits = LimitRange::ALL;
    for (field, own) in &raw.limits {
        let Some(range) = limits.iter_mut().find(|range| range.field == *field) else {
            return Err(unknown_limit(checker, "run.limits", field));
        };
        let general = *range;
        range.min = own.min.unwrap_or(general.min);
        range.default = own.default.unwrap_or(general.default.max(range.min));
        let ok = general.allows(range.min) && range.allows(range.default);
        let given = format!("min {}, default {}", range.min, range.default);
        let allowed = format!(
            "min <= default, both from {} to {}",
            general.min, general.max
        );
        checker.require(ok, &format!("run.limits.{field}"), &given, &allowed)?;
    }
    Ok(RunStep {
        argv: raw.argv,
        environment: raw.environment,
        limits,
        warm: raw.warm,
    })
}

fn check_self_tests(
    checker: &Checker<'_>,
    language: &LanguageDefinition,
) -> Result<(), LanguageError> {
    let mut names = BTreeSet::new();
    for test in &language.self_tests {
        let field = format!("self_test {:?}", test.name);
        checker.require(
            names.insert(&test.name),
            &field,
            &test.name,
            "one self-test of that name",
        )?;
        for name in test.files.keys() {
            checker.require(
                is_file_name(name),
                &format!("{field}.files"),
                name,
                FILE_NAME,
            )?;
        }
        let entry = test.entry(language);
        checker.require(
            test.files.contains_key(entry),
            &format!("{field}.entry"),
            entry,
            "one of its files",
        )?;
        language.check_options(&test.options).map_err(|refusal| {
            checker.refusal(
                &format!("{field}.options"),
                format!("{:?}", refusal.given),
                refusal.allowed(),
            )
        })?;
    }
    let has_hello = language
        .self_tests
        .iter()
        .any(|test| test.name == self_test::HELLO);
    let all = language
        .self_tests
        .iter()
        .map(|test| test.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    checker.require(
        has_hello,
        "self_test",
        &all,
        "a list with one named \"hello\"",
    )
}

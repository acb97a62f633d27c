//! Reading definitions: what is accepted, and what a refusal says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::Outcome;

const C: &str = r#"
name = "C"
aliases = ["gcc"]
extensions = ["c"]
entry = "main.c"

[environment]
LANG = "C"

[toolchain]
packages = ["gcc"]

[[toolchain.mounts]]
host = "{tools}/x"
inside = "/opt/x"

[[toolchain.mounts]]
host_command = ["rustc", "--print", "sysroot"]
optional = true

[toolchain.version]
argv = ["/usr/bin/gcc", "--version"]
after = "version "

[compile]
argv = ["/usr/bin/gcc", "-o", "{entry_stem}", "{options}", "{sources}"]
limits = { memory_mb = 2048 }
options = { exact = ["-O2"], prefixes = ["-D"] }

[run]
argv = ["./{entry_stem}", "{args}"]
environment = { A = "run" }
limits.memory_mb = { default = 512, min = 64 }
limits.processes = { min = 70 }

[[self_test]]
name = "hello"
files = { "main.c" = "int main() {}" }
outcome = { kind = "exited", code = 0 }
stdout = ""
"#;

fn c() -> LanguageDefinition {
    LanguageDefinition::from_toml("c", C).unwrap()
}

/// What the refusal says after one change to the example.
fn refusal(from: &str, to: &str) -> String {
    assert!(C.contains(from), "the example has no {from:?}");
    LanguageDefinition::from_toml("c", &C.replacen(from, to, 1))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_definition_is_read_with_its_defaults() {
    let c = c();
    assert_eq!(
        (c.id.as_str(), c.editor.as_str(), c.hello_world()),
        ("c", "c", "int main() {}")
    );
    let compile = c.compile.as_ref().unwrap();
    assert_eq!(
        compile.limits,
        Limits {
            memory_mb: 2048,
            ..COMPILE_LIMITS
        }
    );
    let limits = c.default_limits();
    assert_eq!(
        limits,
        Limits {
            memory_mb: 512,
            processes: 70,
            ..Limits::default()
        }
    );
    assert_eq!(c.self_tests[0].outcome, Outcome::Exited { code: 0 });
    assert_eq!(
        c.toolchain.mounts[0].host.resolve("/t").as_deref(),
        Some("/t/x")
    );
    assert_eq!(c.toolchain.mounts[1].host.resolve("/t"), None);
    assert!(c.toolchain.mounts[1].optional && c.toolchain.mounts[1].inside.is_none());
}

#[test]
fn commands_and_environments_are_complete() {
    let (args, options) = (vec!["x".to_owned()], vec!["-DA".to_owned()]);
    let program = Program {
        entry: "main.c",
        files: &["main.c", "b.c"],
        args: &args,
        options: &options,
    };
    let compile = c().compile_argv(&program).unwrap();
    assert_eq!(
        compile,
        ["/usr/bin/gcc", "-o", "main", "-DA", "main.c", "b.c"]
    );
    assert_eq!(c().run_argv(&program, &Limits::default()), ["./main", "x"]);
    let submitted = BTreeMap::from([("A".to_owned(), "own".to_owned())]);
    let environment: BTreeMap<_, _> = c().run_environment(&submitted).into_iter().collect();
    assert_eq!(environment["A"], "own", "the submission wins");
    assert_eq!(
        environment["LANG"], "C",
        "the language wins over the default"
    );
    assert!(environment["PATH"].contains("/usr/bin"));
    assert!(
        !c().compile_environment()
            .iter()
            .any(|(name, _)| name == "A")
    );
}

#[test]
fn versions_are_the_word_behind_the_mark() {
    let probe = |after: &str| VersionProbe {
        argv: Vec::new(),
        after: after.to_owned(),
    };
    assert_eq!(
        probe("version ")
            .read("GNU bash, version 5.2.15(1)-release (x86)")
            .as_deref(),
        Some("5.2.15(1)-release")
    );
    assert_eq!(
        probe("").read("3.40.1 2022-12-28\n").as_deref(),
        Some("3.40.1")
    );
    assert_eq!(probe("v").read("v20.20.2\n").as_deref(), Some("20.20.2"));
    assert_eq!(probe("go").read("no such thing"), None);
    assert_eq!(probe("").read(" \n"), None);
}

/// A change to the example, and what the refusal must say: field, what it says, what is allowed.
const REFUSALS: [(&str, &str, [&str; 3]); 14] = [
    (
        r#"entry = "main.c""#,
        r#"entry = "a/b""#,
        ["entry", "\"a/b\"", "file name"],
    ),
    (r#"["gcc"]"#, r#"["G C"]"#, ["aliases", "\"G C\"", "a-z"]),
    (
        r#"["c"]"#,
        r#"[".c"]"#,
        ["extensions", "\".c\"", "without the dot"],
    ),
    (r#"["c"]"#, "[]", ["extensions", "\"\"", "at least one"]),
    (
        "memory_mb = 2048",
        "memory = 1",
        ["compile.limits", "\"memory\"", "memory_mb"],
    ),
    (
        "memory_mb = 2048",
        "memory_mb = 0",
        ["compile.limits.memory_mb", "\"0\"", "more than 0"],
    ),
    (
        "min = 64",
        "min = 1",
        ["run.limits.memory_mb", "min 1", "from 32 to 2048"],
    ),
    (
        "min = 64",
        "min = 600",
        ["run.limits.memory_mb", "default 512", "min <= default"],
    ),
    (
        "{sources}",
        "{source}",
        ["compile.argv", "\"{source}\"", "{sources}"],
    ),
    (
        "\"./{entry_stem}\"",
        "\"x\"",
        ["run.argv", "\"x\" as program", "./"],
    ),
    (
        "\"-O2\"",
        "\"O2\"",
        ["compile.options", "\"O2\"", "begin with -"],
    ),
    (
        "\"main.c\" = \"int",
        "\"x.c\" = \"int",
        ["\"hello\".entry", "\"main.c\"", "one of its files"],
    ),
    (
        "\"hello\"",
        "\"hallo\"",
        ["self_test", "\"hallo\"", "hello"],
    ),
    (
        "stdout = \"\"",
        "options = [\"-Wl,x\"]",
        ["\"hello\".options", "-Wl,x", "-D…"],
    ),
];

#[test]
fn a_refusal_names_the_field_what_it_says_and_what_is_allowed() {
    for (from, to, parts) in REFUSALS {
        let message = refusal(from, to);
        for part in parts.into_iter().chain(["languages/c.toml"]) {
            assert!(
                message.contains(part),
                "{to}: {message:?} does not tell {part:?}"
            );
        }
    }
}

#[test]
fn an_unknown_field_is_refused_with_the_known_ones() {
    for (from, to) in [
        ("packages", "package"),
        ("entry = \"main.c\"", "entry = \"main.c\"\nx = 1"),
        ("stdout = ", "output = "),
        ("after = ", "behind = "),
        ("exact = ", "exactly = "),
        ("default = 512", "normal = 512"),
    ] {
        let message = refusal(from, to);
        assert!(
            message.contains("unknown field") && message.contains("expected"),
            "{message}"
        );
    }
}

#[test]
fn a_mount_has_one_source_and_absolute_paths() {
    for (to, part) in [
        ("host = \"x\"", "below {tools}/"),
        ("host = \"/a/../b\"", "absolute path"),
        ("optional = false", "either host or host_command"),
        (
            "host = \"/a\"\nhost_command = [\"x\"]",
            "either host or host_command",
        ),
    ] {
        assert!(refusal("host = \"{tools}/x\"", to).contains(part), "{to}");
    }
    assert!(
        refusal("inside = \"/opt/x\"", "inside = \"opt\"").contains("absolute path without ..")
    );
}

#[test]
fn bad_ids_are_refused() {
    for id in ["", "C", "a.b", "a*", &"x".repeat(33)] {
        assert!(LanguageDefinition::from_toml(id, C).is_err(), "{id}");
    }
}

#[test]
fn a_catalog_finds_ids_and_aliases_and_refuses_double_names() {
    let other = C.replace("[\"gcc\"]\nextensions", "[]\nextensions");
    let catalog = Catalog::from_toml([("c", C), ("other", &other)]).unwrap();
    assert_eq!(catalog.find("gcc").unwrap().id, "c");
    assert_eq!(catalog.find("other").unwrap().id, "other");
    assert!(catalog.find("x").is_none());
    assert_eq!(catalog.iter().count(), 2);
    let error = Catalog::from_toml([("c", C), ("gcc", &other)])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("c and gcc") && error.contains("\"gcc\""),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", at in 0..C.len(), cut in 0..40_usize) {
        let _ = LanguageDefinition::from_toml("c", &text);
        let end = (at + cut).min(C.len());
        if C.is_char_boundary(at) && C.is_char_boundary(end) {
            let _ = LanguageDefinition::from_toml("c", &[&C[..at], &text, &C[end..]].concat());
        }
    }
}

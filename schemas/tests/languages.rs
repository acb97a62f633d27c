//! The definitions that the project ships are good ones.

use std::fs;
use std::path::Path;

use runlog_schemas::{Catalog, Outcome, Phase};

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../languages");
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a definition is text");
        let id = entry.file_name().to_string_lossy().replace(".toml", "");
        (id, text)
    };
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| read(entry.expect("it can be listed")))
        .collect()
}

fn catalog() -> Catalog {
    let files = files();
    let texts = files.iter().map(|(id, text)| (id.as_str(), text.as_str()));
    Catalog::from_toml(texts).expect("every definition is good")
}

#[test]
fn the_first_twelve_languages_are_there() {
    for id in [
        "bash",
        "c",
        "cpp",
        "go",
        "java",
        "javascript",
        "php",
        "python",
        "ruby",
        "rust",
        "sql",
        "typescript",
    ] {
        assert!(
            catalog().find(id).is_some_and(|language| language.id == id),
            "{id}"
        );
    }
}

#[test]
fn every_language_tests_a_greeting_standard_input_and_both_kinds_of_errors() {
    for language in catalog().iter() {
        let id = &language.id;
        let test = |name: &str| language.self_tests.iter().find(|test| test.name == name);
        assert_eq!(
            test("hello").unwrap().stdout.as_deref(),
            Some("Hello, world\n"),
            "{id}"
        );
        assert!(!test("echo_stdin").unwrap().stdin.is_empty(), "{id}");
        assert!(test("runtime_error").is_some(), "{id}");
        if language.compile.is_some() {
            let outcome = &test("compile_error").unwrap().outcome;
            assert!(matches!(outcome, Outcome::CompileError { .. }), "{id}");
        } else {
            let outcome = &test("syntax_error").unwrap().outcome;
            assert!(
                matches!(outcome, Outcome::Exited { code } if *code != 0),
                "{id}"
            );
        }
    }
}

#[test]
fn no_self_test_expects_a_limit() {
    for language in catalog().iter() {
        for test in &language.self_tests {
            let limit = matches!(
                test.outcome,
                Outcome::TimeLimit {
                    phase: Phase::Compile | Phase::Run,
                    ..
                } | Outcome::MemoryLimit { .. }
            );
            assert!(
                !limit,
                "{} {}: how long a machine takes is not the language's",
                language.id, test.name
            );
        }
    }
}

/// `make setup` reads these arrays before there is anything that reads TOML.
#[test]
fn setup_can_read_packages_and_programs() {
    for (id, text) in files() {
        let language = catalog().find(&id).unwrap().clone();
        for (field, words) in [
            ("packages", &language.toolchain.packages),
            ("programs", &language.toolchain.programs),
        ] {
            assert!(!words.is_empty(), "{id}: {field}");
            let line = format!(
                "{field} = [{}]",
                words
                    .iter()
                    .map(|word| format!("{word:?}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            assert!(text.lines().any(|it| it == line), "{id} has no line {line}");
        }
    }
}

#[test]
fn no_compiler_option_leads_out_of_the_compiler() {
    let harmful = [
        "-fplugin=x.so",
        "-specs=x",
        "-B.",
        "-wrapper",
        "@options",
        "-Wl,-rpath=/",
        "-Wa,-a",
        "-Wp,-MD",
        "-I/etc",
        "-include",
        "-o",
        "-x",
        "-L/",
        "-Clinker=x",
        "-Clink-arg=x",
        "-J-agentlib:x",
        "-processorpath",
        "-toolexec=x",
        "--outDir",
        "main.c",
        "-Dx=@y",
        "-D",
        "-W",
    ];
    for language in catalog().iter() {
        for option in harmful {
            assert!(
                language.check_options(&[option.to_owned()]).is_err(),
                "{} {option}",
                language.id
            );
        }
    }
}

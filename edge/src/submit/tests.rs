//! What is accepted, what is refused, and what a refusal says.

use proptest::prelude::*;
use runlog_schemas::api::{FileRequest, LimitsRequest};
use runlog_schemas::{LimitRange, Limits, Priority, TerminalSize};

use super::*;

/// One compiled language with options and a raised minimum of memory, one interpreted one.
fn catalog() -> Catalog {
    let language = |name: &str, entry: &str, extra: &str| {
        format!(
            r#"
            name = "{name}"
            extensions = ["x"]
            entry = "{entry}"
            [toolchain.version]
            argv = ["/x", "-v"]
            {extra}
            [[self_test]]
            name = "hello"
            files = {{ "{entry}" = "hi" }}
            outcome = {{ kind = "exited", code = 0 }}
            "#
        )
    };
    let compiled = r#"
        [compile]
        argv = ["/x", "{options}", "{sources}"]
        options = { exact = ["-O2"], prefixes = ["-D"] }
        [run]
        argv = ["./{entry_stem}"]
        limits.memory_mb = { default = 512, min = 128 }
        "#;
    let interpreted = r#"
        [run]
        argv = ["/x", "{entry}", "{args}"]
        "#;
    Catalog::from_toml([
        ("java", language("Java", "Main.java", compiled).as_str()),
        (
            "python",
            language("Python", "main.py", interpreted).as_str(),
        ),
    ])
    .unwrap()
}

fn file(name: &str) -> FileRequest {
    FileRequest {
        name: name.to_owned(),
        content: Some("1".to_owned()),
        data: None,
    }
}

fn python() -> SubmitRequest {
    SubmitRequest {
        language: "python".to_owned(),
        source: Some("print(1)".to_owned()),
        ..SubmitRequest::default()
    }
}

fn with_files(names: &[&str]) -> SubmitRequest {
    SubmitRequest {
        source: None,
        files: names.iter().map(|name| file(name)).collect(),
        ..python()
    }
}

/// The fields that a refusal names.
fn fields(request: SubmitRequest) -> Vec<String> {
    let refused = check(request, &catalog()).unwrap_err();
    refused
        .fields
        .into_iter()
        .map(|problem| problem.field)
        .collect()
}

#[test]
fn the_shortest_request_gets_all_defaults() {
    let submission = check(python(), &catalog()).unwrap();
    assert_eq!(submission.files[0].name, "main.py");
    assert_eq!(submission.entry, "main.py");
    assert_eq!(submission.limits, Limits::default());
    assert_eq!(
        submission.queue_limit_ms,
        Priority::Api.default_queue_limit_ms()
    );
    assert_eq!((submission.stdin, submission.interactive), (None, false));
}

#[test]
fn the_entry_is_the_only_file_or_the_usual_one_or_the_one_named() {
    let entry = |request| check(request, &catalog()).unwrap().entry;
    assert_eq!(entry(with_files(&["a.py"])), "a.py");
    assert_eq!(entry(with_files(&["a.py", "main.py"])), "main.py");
    let named = SubmitRequest {
        entry: Some("b.py".to_owned()),
        ..with_files(&["a.py", "b.py"])
    };
    assert_eq!(entry(named), "b.py");
    assert_eq!(fields(with_files(&["a.py", "b.py"])), ["entry"]);
    let missing = SubmitRequest {
        entry: Some("c.py".to_owned()),
        ..with_files(&["a.py"])
    };
    assert_eq!(fields(missing), ["entry"]);
}

#[test]
fn a_file_name_that_leads_elsewhere_is_refused() {
    let long = "x".repeat(256);
    for name in [
        "", ".", "..", "a/b", "/a", "../a", "a\0", "a\nb", "\u{7f}", &long,
    ] {
        assert_eq!(fields(with_files(&[name])), ["files[0].name"], "{name:?}");
    }
    for name in ["...", "a b.py", "ü.py", "-x", &"x".repeat(255)] {
        check(with_files(&[name]), &catalog()).unwrap();
    }
    assert_eq!(
        fields(with_files(&["main.py", "main.py"])),
        ["files[1].name"]
    );
}

#[test]
fn files_and_source_exclude_each_other_and_one_is_needed() {
    let neither = SubmitRequest {
        source: None,
        ..python()
    };
    assert_eq!(fields(neither), ["files"]);
    let both = SubmitRequest {
        files: vec![file("main.py")],
        ..python()
    };
    assert_eq!(fields(both), ["source"]);
    let empty = FileRequest {
        content: None,
        ..file("main.py")
    };
    let double = FileRequest {
        data: Some(Data::default()),
        ..file("b.py")
    };
    let files = SubmitRequest {
        source: None,
        files: vec![empty, double],
        ..python()
    };
    assert_eq!(fields(files), ["files[0].content", "files[1].data"]);
    let many: Vec<String> = (0..201).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = SubmitRequest {
        entry: Some("0".to_owned()),
        ..with_files(&many)
    };
    assert_eq!(fields(many), ["files"]);
}

#[test]
fn standard_input_comes_one_way_only() {
    let both = SubmitRequest {
        stdin: Some(String::new()),
        stdin_data: Some(Data::default()),
        ..python()
    };
    assert_eq!(fields(both), ["stdin_data"]);
    let text = SubmitRequest {
        stdin: Some("é\0".to_owned()),
        ..python()
    };
    let submission = check(text, &catalog()).unwrap();
    assert_eq!(submission.stdin, Some(Data::from("é\0")));
}

#[test]
fn limits_have_the_ranges_of_the_language() {
    let asking = |language: &str, memory_mb| SubmitRequest {
        language: language.to_owned(),
        limits: LimitsRequest {
            memory_mb: Some(memory_mb),
            ..LimitsRequest::default()
        },
        ..python()
    };
    assert_eq!(fields(asking("java", 64)), ["limits.memory_mb"]);
    check(asking("python", 64), &catalog()).unwrap();
    let refused = check(asking("java", 64), &catalog()).unwrap_err();
    assert_eq!(refused.fields[0].allowed, "128 to 2048 for Java");
    assert_eq!(refused.fields[0].given, "64");
    let java = SubmitRequest {
        language: "java".to_owned(),
        ..python()
    };
    assert_eq!(check(java, &catalog()).unwrap().limits.memory_mb, 512);
}

#[test]
fn arguments_variables_and_options_are_bounded() {
    let mut request = python();
    request.args = vec!["a\0".to_owned()];
    request.env.insert("A=B".to_owned(), String::new());
    request.env.insert("C".to_owned(), "\0".to_owned());
    request.env.insert(String::new(), String::new());
    request.compiler_options = vec!["-O2".to_owned()];
    assert_eq!(
        fields(request),
        ["args[0]", "env.", "env.A=B", "env.C", "compiler_options[0]"]
    );
    let mut java = SubmitRequest {
        language: "java".to_owned(),
        ..python()
    };
    java.compiler_options = ["-O2", "-DA=1", "-o/etc/x", "-D"].map(str::to_owned).into();
    assert_eq!(fields(java), ["compiler_options[2]", "compiler_options[3]"]);
    let many = SubmitRequest {
        args: vec![String::new(); 257],
        ..python()
    };
    assert_eq!(fields(many), ["args"]);
    let large = SubmitRequest {
        args: vec!["x".repeat(1 << 17)],
        ..python()
    };
    assert_eq!(fields(large), ["args"]);
    let mut loader = python();
    loader.env.insert("LD_PRELOAD".to_owned(), "/x".to_owned());
    check(loader, &catalog()).unwrap();
}

#[test]
fn an_unknown_language_is_told_with_those_that_exist() {
    let of = |language: &str| SubmitRequest {
        language: language.to_owned(),
        ..python()
    };
    let refused = check(of("pyton"), &catalog()).unwrap_err();
    assert!(refused.only_unknown_language);
    assert_eq!(refused.fields[0].given, "pyton");
    assert_eq!(
        refused.fields[0].allowed,
        "one of java, python; did you mean python?"
    );
    let refused = check(of("x"), &catalog()).unwrap_err();
    assert_eq!(refused.fields[0].allowed, "one of java, python");
    let and_more = SubmitRequest {
        session: Some("a b".to_owned()),
        ..of("x")
    };
    assert!(
        !check(and_more, &catalog())
            .unwrap_err()
            .only_unknown_language
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let request = SubmitRequest {
        language: "cobol".to_owned(),
        source: None,
        files: Vec::new(),
        terminal: Some(TerminalSize {
            columns: 0,
            rows: 1001,
        }),
        limits: LimitsRequest {
            wall_ms: Some(1),
            cpu_ms: Some(1),
            ..LimitsRequest::default()
        },
        queue_limit_ms: Some(1),
        session: Some(String::new()),
        ..SubmitRequest::default()
    };
    let expected = [
        "language",
        "terminal.columns",
        "terminal.rows",
        "queue_limit_ms",
        "session",
        "limits.wall_ms",
        "limits.cpu_ms",
        "files",
    ];
    assert_eq!(fields(request), expected);
}

proptest! {
    #[test]
    fn a_limit_is_accepted_exactly_in_its_range(
        index in 0..7_usize,
        near in prop::sample::select(vec![-1_i64, 0, 1]),
        at_max: bool,
    ) {
        let range = LimitRange::ALL[index];
        let edge = if at_max { range.max } else { range.min };
        let value = edge.saturating_add_signed(near);
        let json = serde_json::json!({ range.field: value });
        let limits: LimitsRequest = serde_json::from_value(json).unwrap();
        let accepted = check(SubmitRequest { limits, ..python() }, &catalog()).is_ok();
        prop_assert_eq!(accepted, range.allows(value));
    }

    #[test]
    fn no_request_makes_the_check_panic(
        language in ".{0,12}",
        names in prop::collection::vec("\\PC{0,4}|[./\0]{0,3}", 0..4),
        entry in prop::option::of(".{0,3}"),
        args in prop::collection::vec(".{0,3}", 0..3),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let request = SubmitRequest { language, entry, args, ..with_files(&names) };
        let _ = check(request, &catalog());
    }

    #[test]
    fn what_is_accepted_starts_with_one_of_its_files(
        names in prop::collection::vec("[a-c./]{1,3}", 1..4),
        entry in prop::option::of("[a-c]{1,3}"),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Ok(submission) = check(SubmitRequest { entry, ..with_files(&names) }, &catalog()) {
            let entries = submission.files.iter().filter(|file| file.name == submission.entry);
            prop_assert_eq!(entries.count(), 1);
        }
    }
}

//! Precompiled headers of C++ change nothing but the time: with and without them the compiler ends
//! the same way, says the same and makes the same program, byte for byte.

use runlog_sandbox::{
    Cause, Cell, CellFile, CellSpec, Collect, CollectLimits, OutputStream, Step, StepLimits,
};
use runlog_schemas::{LanguageDefinition, Program};

use crate::cxx_programs::{PROGRAMS, Written};
use crate::support::{Machine, definition_text, language};

/// What a compile step did.
#[derive(Debug, PartialEq, Eq)]
struct Compiled {
    cause: Cause,
    said: String,
    program: Option<Vec<u8>>,
    /// Files that it left behind elsewhere than in the working directory.
    litter: String,
}

/// The definition of C++ with another command where the plain compiler is called.
fn definition(plain: &str, with_headers: bool) -> LanguageDefinition {
    let text = definition_text("cpp");
    let mut changed = text.replace("exec \"$@\"", plain);
    if !with_headers {
        changed = changed.replace("/opt/cxx/compile", "/opt/nothing");
        assert_ne!(text, changed);
    }
    LanguageDefinition::from_toml("cpp", &changed).expect("it is a definition")
}

fn step(argv: Vec<String>, definition: &LanguageDefinition) -> Step {
    Step {
        argv,
        env: definition.compile_environment(),
        limits: StepLimits {
            wall: std::time::Duration::from_secs(300),
            cpu: std::time::Duration::from_secs(100),
            memory_bytes: 1 << 30,
            processes: 64,
            file_bytes: 64 << 20,
        },
        terminal: None,
        warm: None,
    }
}

async fn run(cell: &mut Box<dyn Cell>, step: Step) -> (Cause, String, String) {
    let mut process = cell.start(step).await.expect("it starts");
    process.input.eof().await;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(output) = process.output.recv().await {
        match output.stream {
            OutputStream::Stdout => out.extend_from_slice(&output.bytes),
            OutputStream::Stderr => err.extend_from_slice(&output.bytes),
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let end = process.end.await.unwrap().expect("the engine works");
    (end.cause, text(out), text(err))
}

async fn cell(machine: &Machine, written: &Written<'_>) -> Box<dyn Cell> {
    let spec = CellSpec {
        disk_bytes: 256 << 20,
        warm: None,
    };
    let cell = machine.engine.cell(spec).await;
    let mut cell = cell.expect("a cell");
    let files = written.files.iter();
    let files = files.map(|&(name, text)| CellFile::new(name, text.as_bytes().to_vec()));
    cell.put_files(files.collect()).await.unwrap();
    cell
}

async fn compile(
    machine: &Machine,
    definition: &LanguageDefinition,
    written: &Written<'_>,
) -> Compiled {
    let names: Vec<&str> = written.files.iter().map(|(name, _)| *name).collect();
    let options: Vec<String> = written.options.iter().map(|&it| it.to_owned()).collect();
    definition
        .check_options(&options)
        .expect("they are allowed");
    let argv = definition.compile_argv(&Program {
        entry: names[0],
        files: &names,
        args: &[],
        options: &options,
    });
    let mut cell = cell(machine, written).await;
    let step_argv = argv.expect("C++ is compiled");
    let (cause, _, said) = run(&mut cell, step(step_argv, definition)).await;
    let taken = cell.collect(Collect {
        paths: vec!["main".to_owned()],
        limits: CollectLimits {
            files: 1,
            bytes: 64 << 20,
            depth: 0,
        },
    });
    let program = taken.await.unwrap().files.pop();
    let list = ["/bin/sh", "-c", "ls -A /tmp /dev/shm"].map(str::to_owned);
    let (_, litter, _) = run(&mut cell, step(list.into(), definition)).await;
    cell.destroy().await.unwrap();
    Compiled {
        cause,
        said: without_chance(&said),
        program: program.map(|file| file.content.to_vec()),
        litter,
    }
}

/// The linker names the compiler's temporary files, whose names are drawn by lot.
fn without_chance(said: &str) -> String {
    let mut parts = said.split("/tmp/cc");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "/tmp/cc" + part.get(6..).unwrap_or(part)
    })
}

#[tokio::test]
async fn precompiled_headers_change_nothing() {
    let machine = Machine::start(&["cpp"]).await;
    let (with, without) = (
        definition("exec \"$@\"", true),
        definition("exec \"$@\"", false),
    );
    assert_eq!(with.compile, language(&machine, "cpp").compile);
    for written in PROGRAMS {
        let (expected, compiled) = tokio::join!(
            compile(&machine, &without, written),
            compile(&machine, &with, written),
        );
        let name = written.name;
        assert_eq!(compiled.said, expected.said, "{name}");
        assert_eq!(
            (compiled.cause, &compiled.litter),
            (expected.cause, &expected.litter),
            "{name}"
        );
        assert!(
            compiled.program == expected.program,
            "{name}: another program"
        );
        let works = expected.cause == (Cause::Exited { code: 0 });
        assert_eq!(works, !written.is_wrong, "{name}: {}", expected.said);
        assert_eq!(expected.program.is_some(), works, "{name}");
        assert_eq!(
            expected.said.is_empty(),
            !written.is_talked_about,
            "{name}: {}",
            expected.said
        );
    }
    machine.engine.close().await;
}

/// With nothing behind them: else all of the above could be the plain compiler's work.
#[tokio::test]
async fn precompiled_headers_are_used() {
    let machine = Machine::start(&["cpp"]).await;
    let alone = definition("exit 99", true);
    let mut otherwise = Vec::new();
    for written in PROGRAMS {
        let compiled = compile(&machine, &alone, written).await;
        let was_left = compiled.cause == (Cause::Exited { code: 99 });
        if was_left == written.is_quick {
            otherwise.push(written.name);
        }
    }
    assert_eq!(otherwise, [""; 0]);
    for (header, standard) in [
        ("iostream", "gnu++20"),
        ("bits/stdc++.h", "gnu++20"),
        ("iostream", "c++17"),
    ] {
        let source = format!("// first\n#include <{header}>\nint main() {{}}\n");
        let written = Written {
            name: "",
            files: &[("main.cpp", &source)],
            ..PROGRAMS[0]
        };
        let mut cell = cell(&machine, &written).await;
        let headers = format!("/opt/cxx/headers/{standard}-O2");
        let standard = format!("-std={standard}");
        let argv = [
            "/usr/bin/g++",
            &standard,
            "-O2",
            "-isystem",
            &headers,
            "-H",
            "-fsyntax-only",
            "main.cpp",
        ];
        let (_, _, said) = run(&mut cell, step(argv.map(str::to_owned).into(), &alone)).await;
        let used = format!("! {headers}/{header}.gch\n");
        assert!(said.starts_with(&used), "{said}");
        cell.destroy().await.unwrap();
    }
    machine.engine.close().await;
}

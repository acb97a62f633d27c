//! `runlog run`: output, streams and exit codes are those of the program.

use crate::bed::{Up, text, up};

/// Runs a program, and gives exit code, standard output and standard error.
fn run(up: &Up, name: &str, source: &str, options: &[&str]) -> (i32, String, String) {
    up.program(name, source);
    let output = up.run(&[&["run", name], options].concat());
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (
        output.status.code().unwrap(),
        out.to_owned(),
        err.to_owned(),
    )
}

#[test]
fn a_program_ends_as_if_it_had_run_here() {
    let Some(up) = up() else { return };
    let (code, out, err) = run(&up, "hello.py", "print('Hello, world')\n", &[]);
    assert_eq!((code, out.as_str()), (0, "Hello, world\n"));
    assert!(err.starts_with("runlog: exited with 0; "), "{err}");

    let source = "import sys\nsys.stderr.write('oh\\n')\nsys.exit(3)\n";
    let quiet = run(&up, "three.py", source, &["--quiet"]);
    assert_eq!(quiet, (3, String::new(), "oh\n".to_owned()));

    let (code, _, err) = run(
        &up,
        "loop.py",
        "while True: pass\n",
        &["--limit", "wall_ms=300"],
    );
    assert_eq!(code, 124, "{err}");
    assert!(
        err.contains("took longer than 300 ms (--limit wall_ms=N"),
        "{err}"
    );

    let source = "held = []\nwhile True: held.append(bytearray(1 << 20))\n";
    let (code, _, err) = run(&up, "memory.py", source, &["--limit", "memory_mb=64"]);
    assert_eq!(code, 137, "{err}");

    let source = "import os\nos.kill(os.getpid(), 11)\n";
    let (code, _, err) = run(&up, "signal.py", source, &[]);
    assert_eq!(code, 139, "{err}");
    assert!(err.contains("SIGSEGV"), "{err}");

    let (code, out, err) = run(&up, "broken.c", "int main(void) { return 0\n", &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("broken.c:1") && err.contains("compiler refused"),
        "{err}"
    );

    let (code, out, err) = run(&up, "hello.py", "print(1)\n", &["--limit", "wall_ms=1"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("limits.wall_ms: given 1, allowed 100 to 60000"),
        "{err}"
    );
    assert!(err.contains("request "), "{err}");
}

#[test]
fn files_arguments_and_environment_reach_the_program() {
    let Some(up) = up() else { return };
    up.program("helper.py", "def word(): return 'helped'\n");
    up.program(
        "main.py",
        "import os, sys, helper\nprint(helper.word(), sys.argv[1:], os.environ['COLOUR'])\n",
    );
    let args = [
        "run",
        "-q",
        "main.py",
        "helper.py",
        "--env",
        "COLOUR=a=b",
        "--",
        "-x",
        "y z",
    ];
    assert_eq!(up.answer(&args), "helped ['-x', 'y z'] a=b\n");
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_are() {
    let Some(up) = up() else { return };
    let source = "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 1000)\n";
    up.program("bytes.py", source);
    let output = up.run(&["run", "-q", "bytes.py"]);
    let expected: Vec<u8> = (0..=255).cycle().take(256_000).collect();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == expected, "{} bytes", output.stdout.len());
}

#[test]
fn messages_are_json_lines_and_the_last_one_has_the_outcome() {
    let Some(up) = up() else { return };
    up.program("hello.py", "print('Hello')\n");
    let lines = up.answer(&["run", "--json", "hello.py"]);
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines[0]["name"], "submitted");
    let last = lines.last().unwrap();
    assert_eq!(last["execution"]["outcome"]["kind"], "exited");
    let stdout: String = lines
        .iter()
        .filter(|it| it["type"] == "output")
        .flat_map(|it| it["chunks"].as_array().unwrap())
        .filter(|it| it["kind"] == "stdout")
        .map(|it| it["data"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(stdout, "Hello\n");
}

#[test]
fn languages_are_listed_with_their_versions() {
    let Some(up) = up() else { return };
    let languages = up.json(&["languages"]);
    let python = languages["languages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["id"] == "python")
        .unwrap();
    assert_eq!(python["available"], true, "{python}");
    let version = python["version"].as_str().unwrap();
    assert!(up.answer(&["languages"]).contains(version));
    let hello = up.answer(&["languages", "--hello", "py"]);
    assert_eq!(hello, python["hello_world"].as_str().unwrap());
}

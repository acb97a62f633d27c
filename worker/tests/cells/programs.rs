//! Programs on the way from the queue to the end in the log.

use runlog_schemas::control::{ControlReply, ControlRequest};
use runlog_schemas::{
    ChunkKind, Clock, Data, Limits, Outcome, OutputStream, Phase, Submission, TerminalSize,
};

use crate::support::{Site, submission};

const OUT: OutputStream = OutputStream::Stdout;

fn python(source: &str) -> Submission {
    submission("python", "main.py", source)
}

#[tokio::test]
async fn hello() {
    let site = Site::start(&["python"]).await;
    let id = site.submit(&python("print('hello')")).await;
    let ended = site.end(id).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    assert_eq!(ended.text(OUT), "hello\n");
    site.stop().await;
}

#[tokio::test]
async fn a_program_that_asks_for_a_name() {
    let site = Site::start(&["python"]).await;
    let submission = Submission {
        interactive: true,
        ..python("name = input('name? ')\nprint('hello', name)")
    };
    let id = site.submit(&submission).await;
    site.until(id, "name? ").await;
    let typed = ControlRequest::Stdin {
        data: Data::from("Ada\n"),
    };
    let answer = site.log.control_request(id, &typed).await.unwrap();
    assert_eq!(answer, ControlReply::Applied);
    let ended = site.end(id).await;
    assert_eq!(ended.text(OUT), "name? hello Ada\n");
    let input = ChunkKind::Input {
        data: "Ada\n".into(),
    };
    assert!(ended.chunks.iter().any(|chunk| chunk.what == input));
    site.stop().await;
}

#[tokio::test]
async fn a_terminal_echoes_resizes_and_interrupts() {
    let site = Site::start(&["python"]).await;
    let source = "
import os, signal
def size(*_): print('size', *os.get_terminal_size(), flush=True)
signal.signal(signal.SIGWINCH, size)
size()
print(input('? ').upper())
try:
    while True: signal.pause()
except KeyboardInterrupt:
    print('interrupted')
";
    let submission = Submission {
        interactive: true,
        terminal: Some(TerminalSize {
            columns: 80,
            rows: 24,
        }),
        ..python(source)
    };
    let id = site.submit(&submission).await;
    let ask = async |request: ControlRequest| {
        let answer = site.log.control_request(id, &request).await.unwrap();
        assert_eq!(answer, ControlReply::Applied);
    };
    let typed = |text: &str| ControlRequest::Stdin {
        data: Data::from(text),
    };
    site.until(id, "size 80 24\r\n? ").await;
    ask(ControlRequest::Resize {
        size: TerminalSize {
            columns: 100,
            rows: 30,
        },
    })
    .await;
    site.until(id, "size 100 30").await;
    ask(typed("abc\r")).await;
    site.until(id, "ABC").await;
    ask(typed("\u{3}")).await;
    let ended = site.end(id).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    let text = ended.text(OUT);
    assert!(
        text.contains("abc\r\n") && text.contains("interrupted"),
        "{text:?}"
    );
    site.stop().await;
}

#[tokio::test]
async fn standard_input_is_given_and_ends() {
    let site = Site::start(&["python"]).await;
    let submission = Submission {
        stdin: Some(Data(vec![b'x'; 300_000])),
        ..python("import sys; print(len(sys.stdin.read()))")
    };
    let id = site.submit(&submission).await;
    assert_eq!(site.end(id).await.text(OUT), "300000\n");
    site.stop().await;
}

#[tokio::test]
async fn limits_are_told_apart() {
    let site = Site::start(&["python"]).await;
    let limits = Limits {
        wall_ms: 30_000,
        cpu_ms: 400,
        memory_mb: 64,
        output_kb: 1,
        ..Limits::default()
    };
    let phase = Phase::Run;
    for (source, outcome) in [
        (
            "import time; time.sleep(60)",
            Outcome::TimeLimit {
                clock: Clock::Wall,
                phase,
            },
        ),
        (
            "while True: pass",
            Outcome::TimeLimit {
                clock: Clock::Cpu,
                phase,
            },
        ),
        (
            "x = bytearray(200 << 20); print(len(x))",
            Outcome::MemoryLimit { phase },
        ),
        (
            "while True: print('x' * 100)",
            Outcome::OutputLimit { phase },
        ),
        ("import os; os.abort()", Outcome::Signaled { signal: 6 }),
    ] {
        // On a busy machine the wall clock is the faster one.
        let sleeps = source.contains("sleep");
        let wall_ms = if sleeps { 300 } else { limits.wall_ms };
        let submission = Submission {
            limits: Limits { wall_ms, ..limits },
            ..python(source)
        };
        let id = site.submit(&submission).await;
        let ended = site.end(id).await;
        assert_eq!(
            ended.outcome,
            outcome,
            "{source}: {}",
            ended.text(OutputStream::Stderr)
        );
    }
    site.stop().await;
}

#[tokio::test]
async fn a_gigabyte_without_a_newline_keeps_memory_flat() {
    let site = Site::start(&["python"]).await;
    let submission = Submission {
        limits: Limits {
            output_kb: 16_384,
            ..Limits::default()
        },
        ..python("import os\nwhile True: os.write(1, b'\\0' * (1 << 20))")
    };
    let before = peak_kib();
    let id = site.submit(&submission).await;
    let ended = site.end(id).await;
    let phase = Phase::Run;
    assert_eq!(ended.outcome, Outcome::OutputLimit { phase });
    assert_eq!(ended.text(OUT).len(), 16 << 20);
    // This process holds the worker, and what this test collected of the output.
    let grown = peak_kib() - before;
    assert!(grown < 160 << 10, "{grown} KiB");
    site.stop().await;
}

/// The most memory that this process has ever had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn compiled_programs_run_and_libraries_are_refused() {
    let site = Site::start(&["c", "rust"]).await;
    let source = "#include <stdio.h>\nint main() { puts(\"hi\"); return 7; }";
    let id = site.submit(&submission("c", "main.c", source)).await;
    let ended = site.end(id).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 7 });
    assert_eq!(ended.text(OUT), "hi\n");
    let library = "#![crate_type = \"lib\"]\npub fn f() {}";
    let id = site.submit(&submission("rust", "main.rs", library)).await;
    let ended = site.end(id).await;
    assert!(
        matches!(ended.outcome, Outcome::CompileError { .. }),
        "{ended:?}"
    );
    site.stop().await;
}

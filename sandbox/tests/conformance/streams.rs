//! Every byte in and out, in order, whatever a program does to its ends.

use std::time::{Duration, Instant};

use bytes::Bytes;
use runlog_sandbox::{Cause, OutputStream};

use super::{
    Tested, cell, compiled, file, finish, limited, python, read_until, run, run_in, sh, step,
};

pub(crate) async fn output_is_passed_on_byte_for_byte(engine: Tested) {
    let program = "import os\n\
                   os.write(1, bytes(range(256)) * 300)\n\
                   os.write(2, b'\\xff\\x00\\r\\n\\xc3')";
    let ran = run(&engine, python(program)).await;
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(ran.stdout, all.repeat(300));
    assert_eq!(ran.stderr, b"\xff\x00\r\n\xc3");
}

/// The race between the last write and the exit, again and again.
pub(crate) async fn what_was_written_before_the_exit_arrives(engine: Tested) {
    let source = "#include <unistd.h>\n\
        static char data[1 << 20];\n\
        int main() {\n\
            for (int i = 0; i < sizeof data; i++) data[i] = 'a' + i % 26;\n\
            for (int done = 0; done < sizeof data; ) done += write(1, data + done, sizeof data - done);\n\
            _exit(0);\n\
        }";
    let mut cell = compiled(&engine, source).await;
    let expected: Vec<u8> = (0..1 << 20).map(|i: usize| b'a' + (i % 26) as u8).collect();
    for _ in 0..100 {
        let ran = run_in(&mut cell, step(&["./program"])).await;
        assert!(ran.stdout == expected, "{} bytes", ran.stdout.len());
    }
}

pub(crate) async fn what_was_written_before_a_kill_arrives(engine: Tested) {
    let step = limited(sh("echo written; sleep 1000"), |limits| {
        limits.wall = Duration::from_millis(300);
    });
    let ran = run(&engine, step).await;
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::WallLimit, "written\n")
    );
}

pub(crate) async fn output_arrives_while_the_program_runs(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import sys\nprint('first', flush=True)\nprint('got', sys.stdin.readline())";
    let mut process = cell.start(python(program)).await.expect("a start");
    read_until(&mut process, &mut Vec::new(), "first").await;
    process.input.write(Bytes::from_static(b"answer\n")).await;
    let ran = finish(process).await;
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::Exited { code: 0 }, "got answer\n\n")
    );
}

pub(crate) async fn input_is_passed_on_byte_for_byte_and_ends(engine: Tested) {
    let mut cell = cell(&engine).await;
    let process = cell.start(sh("cat; echo >&2 end")).await.expect("a start");
    let input = process.input.clone();
    let typed: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let expected = typed.clone();
    let typing = async move {
        for chunk in typed.chunks(100_000) {
            input.write(Bytes::copy_from_slice(chunk)).await;
        }
        input.eof().await;
        input.eof().await;
        input.write(Bytes::from_static(b"too late")).await;
    };
    let ((), ran) = tokio::join!(typing, finish(process));
    assert!(ran.stdout == expected);
    assert_eq!(ran.stderr, b"end\n");
}

/// A program that never reads stalls only who types, and only until it ends.
pub(crate) async fn input_that_nobody_reads_does_not_stall(engine: Tested) {
    let mut cell = cell(&engine).await;
    for program in ["sleep 0.5", "exec 0<&-; sleep 0.5"] {
        let process = cell.start(sh(program)).await.expect("a start");
        let input = process.input.clone();
        let typing = async move {
            for _ in 0..64 {
                input.write(Bytes::from(vec![b'x'; 1 << 20])).await;
            }
        };
        let ((), ran) = tokio::join!(typing, finish(process));
        assert_eq!(ran.end.cause, Cause::Exited { code: 0 });
    }
}

pub(crate) async fn a_signal_overtakes_input_that_nobody_reads(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "trap 'echo caught; exit 5' TERM; echo up; while :; do sleep 0.01; done";
    let mut process = cell.start(sh(program)).await.expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    let input = process.input.clone();
    let typing = async move {
        for _ in 0..64 {
            input.write(Bytes::from(vec![b'x'; 1 << 20])).await;
        }
    };
    let ending = async {
        process.input.signal(15).await;
        finish(process).await
    };
    let ((), ran) = tokio::join!(typing, ending);
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::Exited { code: 5 }, "caught\n")
    );
}

pub(crate) async fn an_unhandled_signal_ends_the_program(engine: Tested) {
    let mut cell = cell(&engine).await;
    let mut process = cell.start(python(
        "print('up', flush=True)\nimport time\ntime.sleep(99)",
    ));
    let mut process = (&mut process).await.expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    process.input.signal(10).await;
    assert_eq!(
        finish(process).await.end.cause,
        Cause::Signaled { signal: 10 }
    );
}

/// The end of a stream is not the end of the program.
pub(crate) async fn a_closed_output_does_not_end_the_step(engine: Tested) {
    let ran = run(&engine, sh("exec 1>&- 2>&-; sleep 0.3; exit 3")).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 3 });
    assert!(ran.end.usage.wall >= Duration::from_millis(300), "{ran:?}");
}

pub(crate) async fn output_through_another_descriptor_arrives(engine: Tested) {
    let program = "import os\nos.dup2(1, 200)\nos.close(1)\nos.write(200, b'there')";
    assert_eq!(run(&engine, python(program)).await.stdout, b"there");
}

/// The main process ends; who still holds its output is killed and delays nothing.
pub(crate) async fn children_that_hold_the_output_do_not_delay_the_end(engine: Tested) {
    let began = Instant::now();
    let ran = run(
        &engine,
        sh("(trap '' TERM HUP; sleep 1000) & setsid sleep 1000 & echo done"),
    )
    .await;
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::Exited { code: 0 }, "done\n")
    );
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// Descriptors on their way in sockets are held by nobody that could be killed.
pub(crate) async fn output_held_in_flight_does_not_delay_the_end(engine: Tested) {
    let program = "import array, os, socket\n\
        a, b = socket.socketpair()\n\
        send = lambda s, fd: s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])\n\
        send(a, 1); send(a, b.fileno()); send(b, a.fileno()); send(b, 1)\n\
        os.write(1, b'out')\n\
        os._exit(0)";
    let ran = run(&engine, python(program)).await;
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::Exited { code: 0 }, "out")
    );
}

/// What a program does to its end of a pipe does not reach ours.
pub(crate) async fn games_with_descriptor_flags_hurt_nobody(engine: Tested) {
    let program = "import fcntl, os, time\n\
        for fd in 0, 1, 2:\n\
        \x20   fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_DIRECT)\n\
        \x20   try: fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)\n\
        \x20   except OSError: pass\n\
        left = 1 << 20\n\
        while left:\n\
        \x20   try: left -= os.write(1, b'x' * min(left, 5000))\n\
        \x20   except BlockingIOError: time.sleep(0.001)\n\
        os.write(2, b'end')";
    let ran = run(&engine, python(program)).await;
    assert_eq!(ran.stdout.len(), 1 << 20);
    assert_eq!(ran.stderr, b"end");
}

pub(crate) async fn one_byte_at_a_time_keeps_its_order(engine: Tested) {
    let program = "import os\n\
        for i in range(20000):\n\
        \x20   os.write(1 + i % 2, b'%d\\n' % i)";
    let ran = run(&engine, python(program)).await;
    let numbers = |from: usize| -> String {
        (from..20_000)
            .step_by(2)
            .map(|i| format!("{i}\n"))
            .collect()
    };
    assert_eq!(ran.stdout, numbers(0).into_bytes());
    assert_eq!(ran.stderr, numbers(1).into_bytes());
}

/// A reader that waits makes the program wait; neither the clock nor the kill handle does.
pub(crate) async fn a_slow_reader_delays_no_limit(engine: Tested) {
    let mut cell = cell(&engine).await;
    let step = limited(sh("while :; do echo 0123456789; done"), |limits| {
        limits.wall = Duration::from_millis(500);
    });
    let mut process = cell.start(step).await.expect("a start");
    let first = process.output.recv().await.expect("output");
    assert_eq!(first.stream, OutputStream::Stdout);
    // The cell is free once the clock has run out, though nobody has read anything.
    let ran = run_in(&mut cell, sh("exit 6")).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 6 });
    assert_eq!(finish(process).await.end.cause, Cause::WallLimit);
}

pub(crate) async fn a_process_that_is_let_go_of_runs_on(engine: Tested) {
    let mut cell = cell(&engine).await;
    let mut process = cell
        .start(sh("sleep 0.2; seq 100000; echo > ready"))
        .await
        .expect("a start");
    process.output.close();
    let end = process.end.await.expect("an end").expect("no system error");
    assert_eq!(end.cause, Cause::Exited { code: 0 });
    assert_eq!(run_in(&mut cell, sh("ls")).await.text(), "ready\n");
}

pub(crate) async fn times_of_output_rise(engine: Tested) {
    let mut cell = cell(&engine).await;
    let step = sh("echo 1; sleep 0.2; echo 2");
    let mut process = cell.start(step).await.expect("a start");
    let first = process.output.recv().await.expect("output").since_start;
    let second = process.output.recv().await.expect("output").since_start;
    assert!(
        second - first >= Duration::from_millis(190),
        "{first:?} {second:?}"
    );
}

pub(crate) async fn files_are_there_byte_for_byte(engine: Tested) {
    let mut cell = cell(&engine).await;
    let big: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 253) as u8).collect();
    let mut files = vec![
        file("empty", ""),
        file("-rf *\n", "odd name"),
        file("\u{e9}", "x"),
    ];
    files.push(runlog_sandbox::CellFile::new("big", big.clone()));
    cell.put_files(files).await.expect("files");
    let program = "import os, sys\n\
        assert sorted(os.listdir('.')) == sorted(['empty', '-rf *\\n', '\\u00e9', 'big']), os.listdir('.')\n\
        assert open('-rf *\\n').read() == 'odd name'\n\
        assert os.stat('big').st_uid == os.getuid() and os.access('big', os.W_OK)\n\
        assert os.getcwd() == '/box'\n\
        sys.stdout.buffer.write(open('big', 'rb').read())";
    let ran = run_in(&mut cell, python(program)).await;
    assert_eq!(
        ran.end.cause,
        Cause::Exited { code: 0 },
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(ran.stdout == big);
}

/// A step may leave links behind under the names of later files.
pub(crate) async fn files_replace_what_is_in_their_way(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "ln -s /tmp/target link; mkfifo fifo; echo old > plain; mkdir dir";
    run_in(&mut cell, sh(program)).await;
    let names = ["link", "fifo", "plain"];
    let files = names.map(|name| file(name, "new"));
    cell.put_files(files.into()).await.expect("files");
    let ran = run_in(&mut cell, sh("cat link fifo plain; ls /tmp")).await;
    assert_eq!(ran.text(), "newnewnew");
    let put = cell.put_files(vec![file("dir", "new")]).await;
    let refused = put.is_err() || cell.start(sh("exit 3")).await.is_err();
    assert!(refused, "a folder is in the way");
    assert_eq!(
        run_in(&mut cell, sh("exit 3")).await.end.cause,
        Cause::Exited { code: 3 }
    );
}

pub(crate) async fn arguments_and_environment_are_exact(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import os, sys; print(sys.argv[1:], sorted(os.environ.items()))";
    let mut step = step(&[
        "/usr/bin/python3",
        "-I",
        "-c",
        program,
        "",
        "a b",
        "\u{e9}\n",
        "--help",
    ]);
    step.env = vec![
        ("A".into(), "1=2".into()),
        ("LC_ALL".into(), "C.UTF-8".into()),
    ];
    let ran = run_in(&mut cell, step).await;
    assert_eq!(
        ran.text(),
        "['', 'a b', '\u{e9}\\n', '--help'] [('A', '1=2'), ('LC_ALL', 'C.UTF-8')]\n"
    );
    // Longer than a datagram of any kind.
    let long = "x".repeat(100_000);
    let counted = run_in(
        &mut cell,
        super::step(&["/bin/sh", "-c", "echo ${#1}", "sh", &long]),
    )
    .await;
    assert_eq!(counted.text(), "100000\n");
}

pub(crate) async fn streams_can_be_opened_by_name(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program =
        "cat /dev/stdin; cat < /proc/self/fd/0; echo out > /dev/stdout; echo err > /dev/stderr";
    let process = cell.start(sh(program)).await.expect("a start");
    process.input.write(Bytes::from_static(b"typed\n")).await;
    process.input.eof().await;
    let ran = finish(process).await;
    assert_eq!(ran.text(), "typed\nout\n");
    assert_eq!(ran.stderr, b"err\n");
}

pub(crate) async fn letting_go_of_the_input_ends_it(engine: Tested) {
    let mut cell = cell(&engine).await;
    let process = cell.start(sh("cat; echo end")).await.expect("a start");
    let runlog_sandbox::Process {
        mut output,
        input,
        end,
        ..
    } = process;
    input.write(Bytes::from_static(b"typed ")).await;
    drop(input);
    let mut seen = Vec::new();
    while let Some(output) = output.recv().await {
        seen.extend_from_slice(&output.bytes);
    }
    assert_eq!(seen, b"typed end\n");
    assert!(end.await.expect("an end").is_ok());
}

//! Steps on a pseudo terminal.

use bytes::Bytes;
use runlog_sandbox::{Cause, Process, Step, Terminal, WindowSize};

use super::{Tested, cell, finish, python, read_until, sh};

const SIZE: WindowSize = WindowSize {
    columns: 101,
    rows: 37,
};

fn on_terminal(mut step: Step) -> Step {
    step.terminal = Some(Terminal { size: SIZE });
    step.env.push(("TERM".into(), "xterm".into()));
    step
}

async fn type_text(process: &Process, text: &'static str) {
    process
        .input
        .write(Bytes::from_static(text.as_bytes()))
        .await;
}

pub(crate) async fn the_program_is_on_a_terminal_of_its_own(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import os, sys\n\
        print([os.isatty(fd) for fd in (0, 1, 2)], os.get_terminal_size(), os.ttyname(0))\n\
        print(os.getsid(0) == os.getpid(), os.tcgetpgrp(0) == os.getpid())\n\
        print(os.path.exists(os.ttyname(0)), open('/dev/tty').isatty())\n\
        print('err', file=sys.stderr)";
    let process = cell
        .start(on_terminal(python(program)))
        .await
        .expect("a start");
    let ran = finish(process).await;
    assert_eq!(
        ran.text(),
        "[True, True, True] os.terminal_size(columns=101, lines=37) /dev/pts/0\r\n\
         True True\r\nTrue True\r\nerr\r\n"
    );
    assert_eq!(ran.end.cause, Cause::Exited { code: 0 });
}

pub(crate) async fn what_is_typed_is_echoed_and_read(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "print('got', input('name? '))";
    let mut process = cell
        .start(on_terminal(python(program)))
        .await
        .expect("a start");
    let mut seen = Vec::new();
    read_until(&mut process, &mut seen, "name? ").await;
    type_text(&process, "Ada\n").await;
    seen.extend(finish(process).await.stdout);
    assert_eq!(String::from_utf8_lossy(&seen), "name? Ada\r\ngot Ada\r\n");
}

pub(crate) async fn a_resize_reaches_the_program(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import os, signal\n\
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])\n\
        print('up', flush=True)\n\
        signal.sigwait([signal.SIGWINCH])\n\
        print(os.get_terminal_size())";
    let mut process = cell
        .start(on_terminal(python(program)))
        .await
        .expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    process
        .input
        .resize(WindowSize {
            columns: 80,
            rows: 24,
        })
        .await;
    let text = finish(process).await.text();
    assert!(text.contains("columns=80, lines=24"), "{text}");
}

pub(crate) async fn control_c_interrupts(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import time\n\
        try:\n\
        \x20   print('up', flush=True)\n\
        \x20   while True: time.sleep(0.01)\n\
        except KeyboardInterrupt: print('stopped')";
    let mut process = cell
        .start(on_terminal(python(program)))
        .await
        .expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    type_text(&process, "\x03").await;
    let ran = finish(process).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 0 });
    assert!(ran.text().ends_with("stopped\r\n"), "{ran:?}");
}

pub(crate) async fn control_d_ends_the_input(engine: Tested) {
    let mut cell = cell(&engine).await;
    let mut process = cell
        .start(on_terminal(sh("cat; echo end")))
        .await
        .expect("a start");
    type_text(&process, "line\n").await;
    read_until(&mut process, &mut Vec::new(), "line\r\nline\r\n").await;
    type_text(&process, "\x04").await;
    assert!(finish(process).await.text().ends_with("end\r\n"));
    // Asked for by name, also in the middle of a line.
    let mut process = cell
        .start(on_terminal(sh("cat; echo end")))
        .await
        .expect("a start");
    type_text(&process, "half").await;
    process.input.eof().await;
    let mut seen = Vec::new();
    read_until(&mut process, &mut seen, "end").await;
    assert!(
        String::from_utf8_lossy(&seen).contains("halfhalfend"),
        "{seen:?}"
    );
    assert_eq!(finish(process).await.end.cause, Cause::Exited { code: 0 });
}

pub(crate) async fn a_signal_goes_to_the_foreground_group(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "trap 'echo shell' USR1; set -m; \
        python3 -c 'import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [10]); \
        print(\"up\", flush=True); signal.sigwait([10]); print(\"child\", flush=True)'; echo end";
    let mut step = on_terminal(sh(program));
    step.argv[0] = "/bin/bash".into();
    let mut process = cell.start(step).await.expect("a start");
    let mut seen = Vec::new();
    read_until(&mut process, &mut seen, "up").await;
    process.input.signal(10).await;
    seen.extend(finish(process).await.stdout);
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(
        seen.contains("child") && seen.ends_with("end\r\n") && !seen.contains("shell"),
        "{seen}"
    );
}

pub(crate) async fn the_last_output_before_the_end_arrives(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import os\nos.write(1, b'x' * 60000 + b'end')\nos._exit(0)";
    for _ in 0..30 {
        let process = cell
            .start(on_terminal(python(program)))
            .await
            .expect("a start");
        let text = finish(process).await.text();
        assert!(
            text.len() == 60_003 && text.ends_with("xend"),
            "{} bytes",
            text.len()
        );
    }
}

pub(crate) async fn background_jobs_do_not_keep_the_terminal(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "(trap '' HUP TERM; sleep 1000) & setsid sleep 1000 & echo done; exit 2";
    let process = cell.start(on_terminal(sh(program))).await.expect("a start");
    let ran = finish(process).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 2 });
    assert!(ran.text().contains("done"), "{ran:?}");
}

/// All descriptors closed, the terminal opened again later.
pub(crate) async fn a_terminal_can_be_closed_and_opened_again(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import os, time\n\
        name = os.ttyname(1)\n\
        for fd in (0, 1, 2): os.close(fd)\n\
        time.sleep(0.2)\n\
        os.write(os.open(name, os.O_RDWR), b'again')";
    let process = cell
        .start(on_terminal(python(program)))
        .await
        .expect("a start");
    assert_eq!(finish(process).await.text(), "again");
}

pub(crate) async fn two_steps_have_two_terminals(engine: Tested) {
    let mut cell = cell(&engine).await;
    for _ in 0..3 {
        let process = cell
            .start(on_terminal(sh("tty; stty size")))
            .await
            .expect("a start");
        assert_eq!(finish(process).await.text(), "/dev/pts/0\r\n37 101\r\n");
    }
}

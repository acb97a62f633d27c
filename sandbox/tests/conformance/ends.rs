//! How a step ended is told exactly.

use runlog_sandbox::{Cause, Error};

use super::{Tested, cell, compiled, file, python, run, run_in, sh, step};

pub(crate) async fn every_exit_code_is_passed_on(engine: Tested) {
    let mut cell = cell(&engine).await;
    for code in 0..=255 {
        let ran = run_in(&mut cell, sh(&format!("exit {code}"))).await;
        assert_eq!(ran.end.cause, Cause::Exited { code });
    }
}

pub(crate) async fn codes_beyond_a_byte_wrap(engine: Tested) {
    let mut cell = compiled(&engine, "#include <unistd.h>\nint main(){_exit(256+7);}").await;
    let ran = run_in(&mut cell, step(&["./program"])).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 7 });
}

pub(crate) async fn signals_are_told_from_codes(engine: Tested) {
    let mut cell = cell(&engine).await;
    for signal in [1, 2, 3, 4, 6, 8, 9, 10, 11, 13, 14, 15, 31, 37, 64] {
        let program = format!(
            "import os, signal\n\
             try: signal.signal({signal}, signal.SIG_DFL)\n\
             except OSError: pass\n\
             os.kill(os.getpid(), {signal})"
        );
        let ran = run_in(&mut cell, python(&program)).await;
        assert_eq!(ran.end.cause, Cause::Signaled { signal });
    }
    let ran = run_in(&mut cell, sh("exit 137")).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 137 });
    let ran = run_in(&mut cell, python("import os; os.abort()")).await;
    assert_eq!(ran.end.cause, Cause::Signaled { signal: 6 });
}

pub(crate) async fn a_self_inflicted_kill_is_no_limit(engine: Tested) {
    let ran = run(&engine, sh("echo Killed; kill -9 $$")).await;
    assert_eq!(ran.end.cause, Cause::Signaled { signal: 9 });
}

pub(crate) async fn a_program_that_is_not_there_is_told_apart(engine: Tested) {
    let mut cell = cell(&engine).await;
    cell.put_files(vec![file("data", "no program")])
        .await
        .expect("it works");
    for (program, kind) in [
        ("/usr/bin/no-such-program", std::io::ErrorKind::NotFound),
        ("./nothing", std::io::ErrorKind::NotFound),
        ("/box", std::io::ErrorKind::PermissionDenied),
        ("./data", std::io::Error::from_raw_os_error(8).kind()),
    ] {
        match cell.start(step(&[program])).await {
            Err(Error::NoSuchProgram {
                program: named,
                source,
            }) => {
                assert_eq!((named.as_str(), source.kind()), (program, kind));
            }
            other => panic!("{program}: {other:?}"),
        }
    }
    // The cell is as good as before.
    assert_eq!(
        run_in(&mut cell, sh("exit 3")).await.end.cause,
        Cause::Exited { code: 3 }
    );
}

pub(crate) async fn the_kill_handle_kills(engine: Tested) {
    let mut cell = cell(&engine).await;
    let mut process = cell
        .start(sh("trap '' TERM INT; echo up; sleep 1000"))
        .await
        .expect("it works");
    super::read_until(&mut process, &mut Vec::new(), "up").await;
    process.kill.kill();
    process.kill.kill();
    assert_eq!(super::finish(process).await.end.cause, Cause::Killed);
    // So is a cell in which something was killed.
    assert_eq!(
        run_in(&mut cell, sh("exit 3")).await.end.cause,
        Cause::Exited { code: 3 }
    );
}

pub(crate) async fn what_was_used_is_measured(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "import time\n\
                   data = bytearray(100 << 20)\n\
                   open('file', 'wb').write(bytes(1 << 20))\n\
                   end = time.process_time() + 0.3\n\
                   while time.process_time() < end: pass\n\
                   time.sleep(0.2)";
    let usage = run_in(&mut cell, python(program)).await.end.usage;
    let cpu = (usage.cpu_user + usage.cpu_system).as_millis();
    assert!((300..2_000).contains(&cpu), "{usage:?}");
    assert!(usage.wall.as_millis() >= 500, "{usage:?}");
    assert!(
        (100 << 20..180 << 20).contains(&usage.memory_peak_bytes),
        "{usage:?}"
    );
    assert!(
        (1 << 20..2 << 20).contains(&usage.written_bytes),
        "{usage:?}"
    );
    assert!(
        usage.read_bytes > 10_000 && usage.context_switches > 0,
        "{usage:?}"
    );
    // The next step starts from nothing.
    let usage = run_in(&mut cell, sh(":")).await.end.usage;
    assert!(
        (usage.cpu_user + usage.cpu_system).as_millis() < 200,
        "{usage:?}"
    );
    assert!(
        usage.memory_peak_bytes < 50 << 20 && usage.written_bytes < 4096,
        "{usage:?}"
    );
}

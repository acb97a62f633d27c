//! Nothing of a step survives it, and nothing of a cell survives its end.

use std::collections::BTreeSet;
use std::time::Duration;

use runlog_sandbox::Cause;

use super::{Tested, cell, compiled, file, limited, python, read_until, run, run_in, sh, step};

/// A text that occurs in no other process of the machine.
fn mark(name: &str) -> String {
    format!("runlog-mark-{name}-{}", std::process::id())
}

/// The machine's processes whose command line has a text.
fn with_command(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let commands = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let commands = commands.map(|command| String::from_utf8_lossy(&command).into_owned());
    commands.filter(|command| command.contains(text)).collect()
}

pub(crate) async fn nothing_survives_between_two_steps(engine: Tested) {
    let mut cell = cell(&engine).await;
    let mark = mark("daemon");
    let daemons = format!(
        "for i in 1 2 3 4 5; do (setsid sh -c 'trap \"\" TERM HUP INT; sleep 1000; echo {mark}' &) ; done; \
         echo kept > file; exit 0"
    );
    assert_eq!(
        run_in(&mut cell, sh(&daemons)).await.end.cause,
        Cause::Exited { code: 0 }
    );
    assert_eq!(with_command(&mark), Vec::<String>::new());
    let look = "import os\nothers = [p for p in os.listdir('/proc') if p.isdigit() and p not in ('1', str(os.getpid()))]\n\
        print(others, open('file').read())";
    assert_eq!(run_in(&mut cell, python(look)).await.text(), "[] kept\n\n");
}

pub(crate) async fn a_program_is_compiled_and_run(engine: Tested) {
    let mut cell = compiled(
        &engine,
        "#include <stdio.h>\nint main(){puts(\"hello\");return 9;}",
    )
    .await;
    let ran = run_in(&mut cell, step(&["./program"])).await;
    assert_eq!(
        (ran.text().as_str(), ran.end.cause),
        ("hello\n", Cause::Exited { code: 9 })
    );
}

/// Orphans that fork again whenever a signal comes.
pub(crate) async fn orphans_that_fight_back_die(engine: Tested) {
    let source = "#include <signal.h>\n#include <unistd.h>\n\
        static void again(int s) { if (fork() == 0) for (;;) pause(); }\n\
        int main() {\n\
            for (int i = 0; i < 100; i++) if (fork() == 0) {\n\
                signal(SIGTERM, again); signal(SIGCHLD, again); setsid();\n\
                for (;;) { again(0); usleep(1000); }\n\
            }\n\
            return 0;\n\
        }";
    let mut cell = compiled(&engine, source).await;
    let bomb = limited(step(&["./program"]), |limits| limits.processes = 200);
    assert_eq!(
        run_in(&mut cell, bomb).await.end.cause,
        Cause::Exited { code: 0 }
    );
    assert_eq!(
        run_in(&mut cell, sh("exit 3")).await.end.cause,
        Cause::Exited { code: 3 }
    );
}

pub(crate) async fn a_destroyed_cell_leaves_no_process(engine: Tested) {
    let mark = mark("destroyed");
    for in_background in [false, true] {
        let mut cell = cell(&engine).await;
        let program = format!("(sleep 1000; echo {mark}) & echo up; sleep 1000; echo {mark}");
        let mut process = cell.start(sh(&program)).await.expect("a start");
        read_until(&mut process, &mut Vec::new(), "up").await;
        assert_ne!(with_command(&mark), Vec::<String>::new());
        if in_background {
            drop(cell);
        } else {
            cell.destroy().await.expect("a clean end");
        }
        let end = process.end.await.expect("an end").expect("no system error");
        assert_eq!(end.cause, Cause::Killed);
        assert_eq!(with_command(&mark), Vec::<String>::new());
    }
}

/// Full disks, odd names, folders without rights, deep trees: gone with the cell.
pub(crate) async fn a_disk_full_of_traps_goes_away(engine: Tested) {
    let program = "import os\n\
        os.makedirs('locked/in'); os.chmod('locked', 0)\n\
        open(b'\\xff\\n-rf', 'w'); open('x' * 255, 'w')\n\
        try:\n\
        \x20   for _ in range(3000): os.mkdir('d'); os.chdir('d')\n\
        except OSError: pass\n\
        hold = open('/tmp/held', 'w'); hold.write('x')";
    let mut cell = cell(&engine).await;
    assert_eq!(
        run_in(&mut cell, python(program)).await.end.cause,
        Cause::Exited { code: 0 }
    );
    cell.put_files(vec![file("after", "x")])
        .await
        .expect("a file");
    cell.destroy().await.expect("a clean end");
}

/// What this process has open, by kind: leaks show after many runs.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

fn mounts() -> BTreeSet<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("/proc");
    // A daemon mounts the roots of containers where everybody sees it, those that wait too.
    let stays = |mount: &&str| !mount.contains("/overlay2/");
    mounts.lines().filter(stays).map(str::to_owned).collect()
}

pub(crate) async fn a_hundred_runs_leave_the_machine_as_it_was(engine: Tested) {
    let short = || async {
        let runs = [
            run(&engine, sh("sleep 1000 & echo hello")),
            run(
                &engine,
                limited(sh("sleep 1000"), |limits| {
                    limits.wall = Duration::from_millis(20)
                }),
            ),
            run(&engine, python("import os; os.abort()")),
            run(
                &engine,
                limited(python("x = bytearray(1 << 30)"), |limits| {
                    limits.memory_bytes = 32 << 20
                }),
            ),
        ];
        futures_util::future::join_all(runs).await;
    };
    short().await;
    let (fds, mounted) = (descriptors(), mounts());
    for _ in 0..25 {
        short().await;
    }
    // Cells that are parked meanwhile have some open.
    assert!(
        descriptors() <= fds + 40,
        "{fds} before, {} after",
        descriptors()
    );
    assert_eq!(mounts(), mounted);
}

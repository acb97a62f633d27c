//! Limits hold for a step as a whole, and are told apart.

use std::time::Duration;

use runlog_sandbox::Cause;

use super::{Tested, compiled, limited, python, run, run_in, sh, step};

pub(crate) async fn the_wall_clock_runs_out(engine: Tested) {
    let step = limited(sh("trap '' TERM INT HUP; echo up; sleep 1000"), |limits| {
        limits.wall = Duration::from_millis(300);
    });
    let ran = run(&engine, step).await;
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::WallLimit, "up\n")
    );
    assert!(ran.end.usage.wall >= Duration::from_millis(300), "{ran:?}");
    assert!(
        ran.end.usage.cpu_user < Duration::from_millis(200),
        "{ran:?}"
    );
}

pub(crate) async fn a_stopped_program_runs_out_of_time(engine: Tested) {
    let step = limited(python("import os; os.kill(0, 19)"), |limits| {
        limits.wall = Duration::from_millis(300);
    });
    assert_eq!(run(&engine, step).await.end.cause, Cause::WallLimit);
}

pub(crate) async fn cpu_time_runs_out(engine: Tested) {
    let step = limited(python("while True: pass"), |limits| {
        limits.cpu = Duration::from_millis(300);
    });
    let ran = run(&engine, step).await;
    assert_eq!(ran.end.cause, Cause::CpuLimit);
    let used = ran.end.usage.cpu_user + ran.end.usage.cpu_system;
    assert!((300..1_000).contains(&used.as_millis()), "{ran:?}");
}

/// Each process for itself stays below the limit.
pub(crate) async fn cpu_time_is_summed_over_processes(engine: Tested) {
    let program = "import os, time\n\
                   for _ in range(20):\n\
                   \x20   if os.fork() == 0:\n\
                   \x20       end = time.process_time() + 0.1\n\
                   \x20       while time.process_time() < end: pass\n\
                   \x20       os._exit(0)\n\
                   \x20   os.wait()\n";
    let step = limited(python(program), |limits| {
        limits.cpu = Duration::from_millis(500)
    });
    assert_eq!(run(&engine, step).await.end.cause, Cause::CpuLimit);
}

pub(crate) async fn cpu_time_is_summed_over_threads(engine: Tested) {
    let mut cell = compiled(
        &engine,
        "#include <pthread.h>\n\
         static void *spin(void *x) { for (;;) ; }\n\
         int main() { pthread_t t; for (int i = 0; i < 8; i++) pthread_create(&t, 0, spin, 0); spin(0); }",
    )
    .await;
    let step = limited(step(&["./program"]), |limits| {
        limits.cpu = Duration::from_millis(400)
    });
    let ran = run_in(&mut cell, step).await;
    assert_eq!(ran.end.cause, Cause::CpuLimit);
    let used = ran.end.usage.cpu_user + ran.end.usage.cpu_system;
    assert!((400..1_500).contains(&used.as_millis()), "{ran:?}");
}

pub(crate) async fn memory_runs_out(engine: Tested) {
    let step = limited(python("x = bytearray(1 << 30)"), |limits| {
        limits.memory_bytes = 64 << 20
    });
    let ran = run(&engine, step).await;
    assert_eq!(ran.end.cause, Cause::MemoryLimit);
    assert!(ran.end.usage.memory_peak_bytes <= 64 << 20, "{ran:?}");
}

/// The parent lives on and says that all is well; it is killed too, and nobody believes it.
pub(crate) async fn memory_of_a_child_counts(engine: Tested) {
    let program = "import os, time\n\
                   if os.fork() == 0:\n\
                   \x20   x = bytearray(1 << 30)\n\
                   os.wait()\n\
                   print('fine', flush=True)\n\
                   time.sleep(1000)\n";
    let step = limited(python(program), |limits| limits.memory_bytes = 64 << 20);
    let ran = run(&engine, step).await;
    assert_eq!(ran.end.cause, Cause::MemoryLimit);
    assert!(ran.end.usage.wall < Duration::from_secs(30), "{ran:?}");
}

/// No process alone is over the limit.
pub(crate) async fn memory_is_summed_over_processes(engine: Tested) {
    let program = "import os, time\n\
                   for _ in range(8):\n\
                   \x20   if os.fork() == 0:\n\
                   \x20       x = bytearray(16 << 20)\n\
                   \x20       time.sleep(1000)\n\
                   time.sleep(1000)\n";
    let step = limited(python(program), |limits| limits.memory_bytes = 96 << 20);
    assert_eq!(run(&engine, step).await.end.cause, Cause::MemoryLimit);
}

/// What the program itself makes of a refused allocation is its own affair.
pub(crate) async fn a_refused_allocation_is_no_memory_limit(engine: Tested) {
    let program = "try: x = bytearray(1 << 62)\nexcept MemoryError: print('caught')";
    let ran = run(&engine, python(program)).await;
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::Exited { code: 0 }, "caught\n")
    );
}

pub(crate) async fn processes_are_limited(engine: Tested) {
    let program = "import os, time\n\
                   made = 0\n\
                   try:\n\
                   \x20   while True:\n\
                   \x20       if os.fork() == 0: time.sleep(1000)\n\
                   \x20       made += 1\n\
                   except BlockingIOError: print(made)";
    let step = limited(python(program), |limits| limits.processes = 16);
    let ran = run(&engine, step).await;
    // The main process is the sixteenth.
    assert_eq!(
        (ran.end.cause, ran.text().as_str()),
        (Cause::Exited { code: 0 }, "15\n")
    );
}

pub(crate) async fn threads_are_processes(engine: Tested) {
    let program = "import threading, time\n\
                   made = 0\n\
                   try:\n\
                   \x20   for made in range(1000): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n\
                   except RuntimeError: print(made)";
    let step = limited(python(program), |limits| limits.processes = 16);
    assert_eq!(run(&engine, step).await.text(), "15\n");
}

/// Everything is dead within a second of the limit, with a full control group.
pub(crate) async fn a_fork_bomb_is_killed_at_once(engine: Tested) {
    let mut cell = compiled(&engine, "#include <unistd.h>\nint main(){for(;;)fork();}").await;
    let wall = Duration::from_millis(500);
    let step = limited(step(&["./program"]), |limits| {
        limits.wall = wall;
        limits.processes = 256;
    });
    let ran = run_in(&mut cell, step).await;
    assert_eq!(ran.end.cause, Cause::WallLimit);
    assert!(
        ran.end.usage.wall < wall + Duration::from_secs(1),
        "{ran:?}"
    );
    // And the cell is fit for another step.
    assert_eq!(
        run_in(&mut cell, sh("exit 4")).await.end.cause,
        Cause::Exited { code: 4 }
    );
}

pub(crate) async fn the_disk_is_limited(engine: Tested) {
    let program = "written = 0\n\
                   try:\n\
                   \x20   for i, place in enumerate(['/box', '/tmp', '/dev/shm'] * 100):\n\
                   \x20       open(f'{place}/{i}', 'wb').write(bytes(1 << 20))\n\
                   \x20       written += 1\n\
                   except OSError as error: print(error.errno, written)";
    let ran = run(&engine, python(program)).await;
    let text = ran.text();
    let (errno, written) = text.trim().split_once(' ').expect("two numbers");
    assert_eq!(errno, "28", "{ran:?}");
    let written: u64 = written.parse().expect("a number");
    // A container's places are full one by one.
    let places = if super::in_containers(&engine) { 3 } else { 1 };
    let all = places * (super::DISK >> 20);
    assert!(
        written <= all && (all - written <= 2 || places > 1),
        "{ran:?}"
    );
}

pub(crate) async fn the_disk_has_the_size_asked_for(engine: Tested) {
    for disk_bytes in [4 << 20, 200 << 20] {
        let spec = runlog_sandbox::CellSpec {
            disk_bytes,
            warm: None,
        };
        let mut cell = engine.cell(spec).await.expect("a cell");
        let program = "import os\ns = os.statvfs('/box')\nprint(s.f_blocks * s.f_frsize)";
        let ran = run_in(&mut cell, python(program)).await;
        assert_eq!(ran.text().trim(), disk_bytes.to_string());
    }
}

pub(crate) async fn the_number_of_files_is_limited(engine: Tested) {
    let program = "made = 0\n\
                   try:\n\
                   \x20   while True:\n\
                   \x20       open(f'/box/{made}', 'w')\n\
                   \x20       made += 1\n\
                   except OSError as error: print(error.errno, made < 100000)";
    assert_eq!(run(&engine, python(program)).await.text(), "28 True\n");
}

pub(crate) async fn files_are_limited_in_size(engine: Tested) {
    let program = "import signal\n\
                   signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n\
                   try: open('/box/file', 'wb').write(bytes(2 << 20))\n\
                   except OSError as error: print(error.errno)";
    let step = limited(python(program), |limits| limits.file_bytes = 1 << 20);
    assert_eq!(run(&engine, step).await.text(), "27\n");
}

pub(crate) async fn endless_recursion_ends_by_itself(engine: Tested) {
    let source = "int f(volatile int *x) { volatile int y[64]; y[0] = *x; return f(y) + y[0]; }\n\
                  int main() { int x = 1; return f(&x); }";
    let mut cell = compiled(&engine, source).await;
    let ran = run_in(&mut cell, step(&["./program"])).await;
    assert_eq!(ran.end.cause, Cause::Signaled { signal: 11 });
    let listed = run_in(&mut cell, sh("ls")).await.text();
    assert!(!listed.contains("core"), "{listed}");
}

/// The compile step left the disk full: the run starts all the same and ends at its limit.
pub(crate) async fn a_disk_that_is_fuller_than_the_memory_limit_is_no_error(engine: Tested) {
    let mut cell = super::cell(&engine).await;
    let fill = "open('/box/big', 'wb').write(bytes(48 << 20))";
    assert_eq!(
        run_in(&mut cell, python(fill)).await.end.cause,
        Cause::Exited { code: 0 }
    );
    let step = limited(python("x = bytearray(64 << 20)"), |limits| {
        limits.memory_bytes = 16 << 20
    });
    assert_eq!(run_in(&mut cell, step).await.end.cause, Cause::MemoryLimit);
}

/// Kernel buffers are memory too: megabytes for each connection to oneself.
pub(crate) async fn socket_buffers_are_limited(engine: Tested) {
    let program = "import socket\n\
        server = socket.create_server(('127.0.0.1', 0), backlog=300)\n\
        held, total = [], 0\n\
        for _ in range(250):\n\
        \x20   try: a = socket.create_connection(server.getsockname(), 1); b = server.accept()[0]\n\
        \x20   except OSError: break\n\
        \x20   a.setblocking(False); held += [a, b]\n\
        \x20   try:\n\
        \x20       while True: total += a.send(bytes(1 << 16))\n\
        \x20   except BlockingIOError: pass\n\
        print(total >> 20)";
    let step = limited(python(program), |limits| limits.memory_bytes = 64 << 20);
    let ran = run(&engine, step).await;
    if ran.end.cause != Cause::MemoryLimit {
        let held: u64 = ran.text().trim().parse().expect("a number");
        assert!(held < 64, "{held} MiB in flight");
    }
}

/// A bomb of sessions is one competitor, not as many as it has sessions.
pub(crate) async fn a_crowd_does_not_starve_a_neighbour(engine: Tested) {
    let crowd = "import os\n\
        for _ in range(60):\n\
        \x20   if os.fork() == 0:\n\
        \x20       os.setsid()\n\
        \x20       while True: pass\n\
        print('up', flush=True)\n\
        while True: pass";
    let mut cell = super::cell(&engine).await;
    let mut process = cell.start(python(crowd)).await.expect("a start");
    super::read_until(&mut process, &mut Vec::new(), "up").await;
    let work = "import time\n\
        end = time.process_time() + 0.2\n\
        while time.process_time() < end: pass";
    let ran = run(&engine, python(work)).await;
    assert_eq!(ran.end.cause, Cause::Exited { code: 0 });
    process.kill.kill();
    let crowd = super::finish(process).await.end;
    assert_eq!(crowd.cause, Cause::Killed);
    // If each of the sixty counted like the one, they had sixty times as much.
    let used = |usage: runlog_sandbox::Usage| usage.cpu_user + usage.cpu_system;
    let (theirs, ours) = (used(crowd.usage), used(ran.end.usage));
    assert!(theirs < 15 * ours, "{theirs:?} against {ours:?}");
}

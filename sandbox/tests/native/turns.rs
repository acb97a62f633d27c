//! Who waits for whom: a service takes short turns, and what runs in a cell takes those that any
//! program does.

use std::process::Command;

use runlog_sandbox::native::{NativeEngine, take_short_turns};

use super::config;
use super::conformance::{Tested, python, run};

/// Says how long the scheduler lets this process run at once, in nanoseconds; see sched(7).
const SLICE: &str = r"
import ctypes, struct
attributes = ctypes.create_string_buffer(48)
assert ctypes.CDLL(None).syscall(315, 0, attributes, 48, 0) == 0
print(struct.unpack('IIQiIQQQ', attributes)[5])
";

fn outside() -> String {
    let said = Command::new("/usr/bin/python3")
        .args(["-c", SLICE])
        .output();
    String::from_utf8(said.expect("Python runs").stdout).expect("a number")
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_program_takes_the_usual_turns_whatever_its_worker_takes() {
    let usual = outside();
    // On a thread of its own: no other test shall take short turns.
    let worker = std::thread::spawn(|| {
        take_short_turns();
        let taken = outside();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let inside = runtime.expect("a runtime").block_on(async {
            let engine: Tested = std::sync::Arc::new(
                NativeEngine::start(config())
                    .await
                    .expect("every layer is there"),
            );
            let ran = run(&engine, python(SLICE)).await;
            engine.close().await;
            ran.text()
        });
        (taken, inside)
    });
    let (taken, inside) = worker.join().expect("it ran");
    assert_eq!(inside, usual);
    // Before Linux 6.12 nobody has a slice of its own.
    if usual.trim() != "0" {
        assert_eq!(taken.trim(), "200000");
    }
}

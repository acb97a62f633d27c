//! Many runs leave worker, spawner and machine as they were.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runlog_sandbox::native::{NativeConfig, NativeEngine};
use runlog_sandbox::{Cause, Engine};

use super::conformance::{Tested, limited, python, run, sh};

const RUNS: usize = 10_000;
const AT_ONCE: usize = 8;

/// Kibibytes that a process has in memory.
fn resident(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("/proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

fn slab_kib() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").expect("/proc");
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("SUnreclaim:"))
        .expect("a line");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

async fn mixed(engine: &Tested, i: usize) {
    let (step, cause) = match i % 8 {
        0 => (
            limited(sh("sleep 9"), |l| l.wall = Duration::from_millis(20)),
            Cause::WallLimit,
        ),
        1 => (
            sh("sleep 9 & setsid sleep 9 & exit 3"),
            Cause::Exited { code: 3 },
        ),
        2 => (sh("kill -9 $$"), Cause::Signaled { signal: 9 }),
        3 => (
            sh("head -c 300000 /dev/zero; exit 1"),
            Cause::Exited { code: 1 },
        ),
        4 => (
            limited(python("x = bytearray(1 << 30)"), |l| {
                l.memory_bytes = 32 << 20
            }),
            Cause::MemoryLimit,
        ),
        _ => (sh("echo hello"), Cause::Exited { code: 0 }),
    };
    assert_eq!(run(engine, step).await.end.cause, cause, "run {i}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn ten_thousand_runs_leave_everything_at_the_baseline() {
    let config = NativeConfig {
        parked_cells: AT_ONCE,
        ..super::config()
    };
    let engine = Arc::new(
        NativeEngine::start(config)
            .await
            .expect("every layer is there"),
    );
    let tested: Tested = Arc::clone(&engine) as Tested;
    let began = Instant::now();
    let mut baseline = None;
    for round in 0..RUNS / 200 {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let lane = async || {
            loop {
                let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if i >= 200 {
                    break;
                }
                mixed(&tested, i).await;
            }
        };
        futures_util::future::join_all((0..AT_ONCE).map(|_| lane())).await;
        let now = (resident("self"), descriptors(), slab_kib());
        let (memory, fds, _) = *baseline.get_or_insert(now);
        if round % 5 == 0 {
            let rate = ((round + 1) * 200) as f64 / began.elapsed().as_secs_f64();
            eprintln!(
                "after {} runs: {now:?}, {rate:.0} a second",
                (round + 1) * 200
            );
        }
        assert!(
            now.0 < memory + (32 << 10),
            "memory grew from {memory} to {} KiB",
            now.0
        );
        // Cells that are being parked or taken apart have some.
        assert!(
            now.1 < fds + 20 * AT_ONCE,
            "{fds} descriptors became {}",
            now.1
        );
    }
    engine.close().await;
}

//! What the figures were measured on.

use std::fmt;
use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// The machine.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    /// Load of the machine in the minute before: other work makes every figure worse.
    load_before: f64,
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo");
        let processor = processor
            .lines()
            .find_map(|it| it.strip_prefix("model name"));
        let load = read("/proc/loadavg");
        Self {
            cores: cores(),
            processor: processor
                .map(|it| it.trim_start_matches([':', ' ', '\t']).to_owned())
                .unwrap_or_default(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: load
                .split(' ')
                .next()
                .and_then(|it| it.parse().ok())
                .unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cores,
            processor,
            kernel,
            load_before,
        } = self;
        write!(
            f,
            "{cores} x {processor}, Linux {kernel}, load {load_before} before"
        )
    }
}

/// How many programs can run at once.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The clock that programs in the sandbox see too.
pub(crate) fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("it counts from the start of the machine");
    let nanoseconds = u32::try_from(now.tv_nsec).expect("below a second");
    Duration::new(seconds, nanoseconds)
}

/// Milliseconds since 1970, for what is compared with the times in events.
pub(crate) fn wall_ms() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    let ms = now.tv_sec * 1_000 + now.tv_nsec / 1_000_000;
    u64::try_from(ms).unwrap_or(0)
}

/// Thousands of viewers need thousands of descriptors.
pub(crate) fn raise_file_limit() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")
}

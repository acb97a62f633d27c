//! How an execution ended: as an exit code, and in words.

use std::time::Duration;

use runlog_schemas::api::ExecutionView;
use runlog_schemas::{Clock, LimitRange, Limits, Measurements, Outcome, Phase};

use crate::failure::OURS;

/// What `runlog run` exits with.
pub(crate) fn exit_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Exited { code } => u8::try_from(*code).unwrap_or(u8::MAX),
        Outcome::Signaled { signal } => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Outcome::CompileError { .. } => 1,
        Outcome::TimeLimit { .. } => 124,
        // As if killed by SIGKILL, which is what a kernel without memory does.
        Outcome::MemoryLimit { .. } => 137,
        // As if killed by SIGXFSZ.
        Outcome::OutputLimit { .. } => 153,
        // As if interrupted by SIGINT.
        Outcome::Cancelled => 130,
        Outcome::Unsafe { .. } => 126,
        Outcome::Expired | Outcome::SystemError { .. } => OURS,
    }
}

/// The line that ends a run: what happened, which limit was met and how to raise it, what it used.
pub(crate) fn words(execution: &ExecutionView) -> String {
    let Some(outcome) = &execution.outcome else {
        return "it has not ended".to_owned();
    };
    let mut words = happened(outcome, &execution.limits);
    if let Some(used) = &execution.measurements {
        words = format!("{words}; {}", usage(outcome, used));
    }
    if execution.output.as_ref().is_some_and(|it| it.cut)
        && !matches!(outcome, Outcome::OutputLimit { .. })
    {
        words.push_str("; its output was cut off at the limit");
    }
    if execution.attempts.len() > 1 {
        words = format!("{words}; attempt {}", execution.attempts.len());
    }
    if matches!(outcome, Outcome::SystemError { .. }) {
        words = format!("{words} (execution {})", execution.id);
    }
    words
}

fn happened(outcome: &Outcome, limits: &Limits) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited with {code}"),
        Outcome::Signaled { signal } => match signal_name(*signal) {
            Some(name) => format!("killed by signal {signal} ({name})"),
            None => format!("killed by signal {signal}"),
        },
        Outcome::CompileError { code } => format!("the compiler refused it with {code}"),
        Outcome::TimeLimit { clock, phase } => time(*clock, *phase, limits),
        Outcome::MemoryLimit {
            phase: Phase::Compile,
        } => "stopped: the compiler needed more memory than it may".to_owned(),
        Outcome::MemoryLimit { phase: Phase::Run } => {
            let used = format!("{} MiB of memory", limits.memory_mb);
            format!(
                "stopped: it needed more than {used}{}",
                raise(&LimitRange::MEMORY_MB)
            )
        }
        Outcome::OutputLimit {
            phase: Phase::Compile,
        } => "stopped: the compiler wrote more than it may".to_owned(),
        Outcome::OutputLimit { phase: Phase::Run } => {
            let used = format!("{} KiB of output", limits.output_kb);
            format!(
                "stopped: it wrote more than {used}{}",
                raise(&LimitRange::OUTPUT_KB)
            )
        }
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Expired => "never ran: it waited in the queue for longer than it may".to_owned(),
        Outcome::Unsafe { rule } => format!("refused by a rule: {rule}"),
        Outcome::SystemError { reason } => {
            format!("our fault, not your program's: it could not be run: {reason}")
        }
    }
}

fn time(clock: Clock, phase: Phase, limits: &Limits) -> String {
    if phase == Phase::Compile {
        return "stopped: the compiler took longer than it may".to_owned();
    }
    let (what, limit_ms, range) = match clock {
        Clock::Wall => ("", limits.wall_ms, LimitRange::WALL_MS),
        Clock::Cpu => (" of CPU time", limits.cpu_ms, LimitRange::CPU_MS),
    };
    let limit = seconds(Duration::from_millis(limit_ms));
    format!(
        "stopped: it took longer than {limit}{what}{}",
        raise(&range)
    )
}

fn raise(range: &LimitRange) -> String {
    format!(" (--limit {}=N, at most {})", range.field, range.max)
}

fn usage(outcome: &Outcome, used: &Measurements) -> String {
    let wall = seconds(Duration::from_micros(used.wall_us));
    let cpu = seconds(Duration::from_micros(used.cpu_user_us + used.cpu_system_us));
    let memory = bytes(used.memory_peak_bytes);
    // Where the program never ran, the figures are the compiler's.
    match used.compile_us.filter(|_| phase(outcome) == Phase::Run) {
        Some(compile) => {
            let compile = seconds(Duration::from_micros(compile));
            format!("{wall} after {compile} of compiling (CPU {cpu}, memory {memory})")
        }
        None if used.compile_cached => {
            format!("{wall}, compiled before (CPU {cpu}, memory {memory})")
        }
        None => format!("{wall} (CPU {cpu}, memory {memory})"),
    }
}

/// What was being done when it ended.
const fn phase(outcome: &Outcome) -> Phase {
    match outcome {
        Outcome::CompileError { .. } => Phase::Compile,
        Outcome::TimeLimit { phase, .. }
        | Outcome::MemoryLimit { phase }
        | Outcome::OutputLimit { phase } => *phase,
        Outcome::Exited { .. }
        | Outcome::Signaled { .. }
        | Outcome::Cancelled
        | Outcome::Expired
        | Outcome::Unsafe { .. }
        | Outcome::SystemError { .. } => Phase::Run,
    }
}

/// A duration for people: three figures.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 10.0 {
        let text = format!("{seconds:.1}");
        format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
    } else if seconds >= 1.0 {
        let text = format!("{seconds:.2}");
        format!("{} s", text.strip_suffix(".00").unwrap_or(&text))
    } else {
        let text = format!("{:.1}", seconds * 1_000.0);
        format!("{} ms", text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// An amount of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "shown with one digit behind the point"
    )]
    let scaled = |unit: u64| count as f64 / unit as f64;
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", scaled(1_024)),
        _ => format!("{:.1} MiB", scaled(1_048_576)),
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_that_shells_and_timeout_use() {
        let run = Phase::Run;
        for (outcome, code) in [
            (Outcome::Exited { code: 0 }, 0),
            (Outcome::Exited { code: 3 }, 3),
            (Outcome::Exited { code: 255 }, 255),
            (Outcome::Signaled { signal: 11 }, 139),
            (Outcome::Signaled { signal: 64 }, 192),
            (Outcome::CompileError { code: 4 }, 1),
            (
                Outcome::TimeLimit {
                    clock: Clock::Cpu,
                    phase: run,
                },
                124,
            ),
            (Outcome::MemoryLimit { phase: run }, 137),
            (Outcome::OutputLimit { phase: run }, 153),
            (Outcome::Cancelled, 130),
            (Outcome::Expired, 125),
        ] {
            assert_eq!(exit_code(&outcome), code, "{outcome:?}");
        }
        let ours = Outcome::SystemError {
            reason: String::new(),
        };
        assert_eq!(exit_code(&ours), 125);
        let unsafe_ = Outcome::Unsafe {
            rule: String::new(),
        };
        assert_eq!(exit_code(&unsafe_), 126);
    }

    #[test]
    fn a_limit_that_was_met_says_how_to_raise_it() {
        let words = |outcome| happened(&outcome, &Limits::default());
        assert_eq!(
            words(Outcome::TimeLimit {
                clock: Clock::Wall,
                phase: Phase::Run
            }),
            "stopped: it took longer than 10 s (--limit wall_ms=N, at most 60000)"
        );
        assert_eq!(
            words(Outcome::MemoryLimit { phase: Phase::Run }),
            "stopped: it needed more than 256 MiB of memory (--limit memory_mb=N, at most 2048)"
        );
        assert_eq!(
            words(Outcome::Signaled { signal: 11 }),
            "killed by signal 11 (SIGSEGV)"
        );
    }

    #[test]
    fn amounts_are_short() {
        assert_eq!(seconds(Duration::from_micros(1_234)), "1.2 ms");
        assert_eq!(seconds(Duration::from_millis(500)), "500 ms");
        assert_eq!(seconds(Duration::from_millis(1_000)), "1 s");
        assert_eq!(seconds(Duration::from_millis(1_234)), "1.23 s");
        assert_eq!(seconds(Duration::from_millis(12_345)), "12.3 s");
        assert_eq!(bytes(12), "12 B");
        assert_eq!(bytes(8_493_466), "8.1 MiB");
    }
}

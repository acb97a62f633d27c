//! How an execution ended and what it used.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The program ended itself; a code other than 0 is its way to report an error.
    Exited {
        /// Its exit code, 0 to 255.
        code: i32,
    },
    /// The program died of a signal that it caused.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// The compiler refused the program.
    CompileError {
        /// The compiler's exit code, or 128 plus the signal it died of.
        code: i32,
    },
    /// A clock ran out.
    TimeLimit {
        /// Which clock.
        clock: Clock,
        /// While doing what.
        phase: Phase,
    },
    /// It needed more memory than its limit.
    MemoryLimit {
        /// While doing what.
        phase: Phase,
    },
    /// It wrote more output than its limit; what was within the limit is kept.
    OutputLimit {
        /// While doing what.
        phase: Phase,
    },
    /// Somebody cancelled it, in the queue or while it ran.
    Cancelled,
    /// It waited longer in the queue than its limit.
    Expired,
    /// A rule refused to run it.
    Unsafe {
        /// The rule, in words.
        rule: String,
    },
    /// We failed to run it, at every attempt.
    SystemError {
        /// What failed last, in words.
        reason: String,
    },
}

impl Outcome {
    /// The kind's name, as in JSON, the read model and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Exited { .. } => "exited",
            Self::Signaled { .. } => "signaled",
            Self::CompileError { .. } => "compile_error",
            Self::TimeLimit { .. } => "time_limit",
            Self::MemoryLimit { .. } => "memory_limit",
            Self::OutputLimit { .. } => "output_limit",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unsafe { .. } => "unsafe",
            Self::SystemError { .. } => "system_error",
        }
    }

    /// Every name that [`Outcome::name`] gives.
    pub const NAMES: [&'static str; 10] = [
        "exited",
        "signaled",
        "compile_error",
        "time_limit",
        "memory_limit",
        "output_limit",
        "cancelled",
        "expired",
        "unsafe",
        "system_error",
    ];

    /// The short code that users of other systems know, where there is one: E001 compile, E002
    /// runtime, E003 memory, E004 time, E005 ours, E006 unsafe.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Exited { code: 0 } | Self::Cancelled | Self::Expired => None,
            Self::CompileError { .. } => Some("E001"),
            Self::Exited { .. } | Self::Signaled { .. } | Self::OutputLimit { .. } => Some("E002"),
            Self::MemoryLimit { .. } => Some("E003"),
            Self::TimeLimit { .. } => Some("E004"),
            Self::SystemError { .. } => Some("E005"),
            Self::Unsafe { .. } => Some("E006"),
        }
    }
}

/// A clock that can run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Time on the wall.
    Wall,
    /// CPU time of all processes together.
    Cpu,
}

/// What is being done with a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its compiler runs.
    Compile,
    /// It runs.
    Run,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the serialiser passes a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What an attempt used. Figures of the program are of the run phase; where it never ran they
/// are of the compile phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Measurements {
    /// Time from acceptance to the start of the attempt, in microseconds.
    pub queued_us: u64,
    /// Time that the compile step took, in microseconds, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compile_us: Option<u64>,
    /// Whether there was no compile step because the same submission had been compiled before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compile_cached: bool,
    /// Time from the start of the program to the death of its last process, in microseconds.
    pub wall_us: u64,
    /// CPU time in user mode, in microseconds.
    pub cpu_user_us: u64,
    /// CPU time in the kernel, in microseconds.
    pub cpu_system_us: u64,
    /// The most memory that was charged at once, in bytes.
    pub memory_peak_bytes: u64,
    /// Bytes read through system calls.
    pub read_bytes: u64,
    /// Bytes written through system calls.
    pub written_bytes: u64,
    /// Context switches, voluntary and not.
    pub context_switches: u64,
    /// Time from the start of the attempt to the first output of the program, in microseconds,
    /// where there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_output_us: Option<u64>,
    /// Whether the sandbox had been made before it was needed.
    pub warm: bool,
    /// The sandbox engine, for example `native`.
    pub engine: String,
}

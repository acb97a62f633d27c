//! What a run may use, and what it may ask for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What one run may use. Compile steps have limits of their own, from the language definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Time on the wall from start to exit, in milliseconds.
    pub wall_ms: u64,
    /// CPU time of all processes together, user and system, in milliseconds.
    pub cpu_ms: u64,
    /// Memory of all processes together, in MiB.
    pub memory_mb: u64,
    /// Processes and threads alive at once.
    pub processes: u64,
    /// The largest file that may be written, in MiB.
    pub file_mb: u64,
    /// Everything that may be written to the working directory and `/tmp`, in MiB.
    pub disk_mb: u64,
    /// Bytes of standard output and standard error together, in KiB.
    pub output_kb: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let of = |range: &LimitRange| range.default;
        Self {
            wall_ms: of(&LimitRange::WALL_MS),
            cpu_ms: of(&LimitRange::CPU_MS),
            memory_mb: of(&LimitRange::MEMORY_MB),
            processes: of(&LimitRange::PROCESSES),
            file_mb: of(&LimitRange::FILE_MB),
            disk_mb: of(&LimitRange::DISK_MB),
            output_kb: of(&LimitRange::OUTPUT_KB),
        }
    }
}

/// The values that one limit may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitRange {
    /// The field of [`Limits`].
    pub field: &'static str,
    /// Smallest value that may be asked for.
    pub min: u64,
    /// Largest value that may be asked for.
    pub max: u64,
    /// What holds when nothing is asked for.
    pub default: u64,
}

impl LimitRange {
    /// Range of [`Limits::wall_ms`].
    pub const WALL_MS: Self = Self::new("wall_ms", 100, 60_000, 10_000);
    /// Range of [`Limits::cpu_ms`].
    pub const CPU_MS: Self = Self::new("cpu_ms", 100, 60_000, 10_000);
    /// Range of [`Limits::memory_mb`].
    pub const MEMORY_MB: Self = Self::new("memory_mb", 32, 2_048, 256);
    /// Range of [`Limits::processes`].
    pub const PROCESSES: Self = Self::new("processes", 1, 256, 64);
    /// Range of [`Limits::file_mb`].
    pub const FILE_MB: Self = Self::new("file_mb", 1, 512, 64);
    /// Range of [`Limits::disk_mb`].
    pub const DISK_MB: Self = Self::new("disk_mb", 1, 512, 64);
    /// Range of [`Limits::output_kb`].
    pub const OUTPUT_KB: Self = Self::new("output_kb", 1, 16_384, 1_024);

    /// Every range, in the order of the fields of [`Limits`].
    pub const ALL: [Self; 7] = [
        Self::WALL_MS,
        Self::CPU_MS,
        Self::MEMORY_MB,
        Self::PROCESSES,
        Self::FILE_MB,
        Self::DISK_MB,
        Self::OUTPUT_KB,
    ];

    const fn new(field: &'static str, min: u64, max: u64, default: u64) -> Self {
        Self {
            field,
            min,
            max,
            default,
        }
    }

    /// Whether the value may be asked for.
    #[must_use]
    pub const fn allows(&self, value: u64) -> bool {
        self.min <= value && value <= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed() {
        for range in LimitRange::ALL {
            assert!(range.allows(range.default), "{range:?}");
        }
    }
}

//! What a submission may use.

use runlog_schemas::LanguageDefinition;
use runlog_schemas::api::LimitsRequest;
use runlog_schemas::{LimitRange, Limits};

use super::Problems;

/// The limits, each as asked for or its default, where all are in their range.
pub(super) fn check(
    asked: &LimitsRequest,
    language: Option<&LanguageDefinition>,
    problems: &mut Problems,
) -> Limits {
    let ranges = language.map_or(LimitRange::ALL, |language| language.run.limits);
    let values = [
        asked.wall_ms,
        asked.cpu_ms,
        asked.memory_mb,
        asked.processes,
        asked.file_mb,
        asked.disk_mb,
        asked.output_kb,
    ];
    let [
        wall_ms,
        cpu_ms,
        memory_mb,
        processes,
        file_mb,
        disk_mb,
        output_kb,
    ] = std::array::from_fn(|index| take(values[index], &ranges[index], language, problems));
    Limits {
        wall_ms,
        cpu_ms,
        memory_mb,
        processes,
        file_mb,
        disk_mb,
        output_kb,
    }
}

fn take(
    asked: Option<u64>,
    range: &LimitRange,
    language: Option<&LanguageDefinition>,
    problems: &mut Problems,
) -> u64 {
    let value = asked.unwrap_or(range.default);
    if !range.allows(value) {
        let general = LimitRange::ALL.contains(range);
        let who = match language {
            Some(language) if !general => format!(" for {}", language.name),
            _ => String::new(),
        };
        let allowed = format!("{} to {}{who}", range.min, range.max);
        problems.add(
            format!("limits.{}", range.field),
            value.to_string(),
            allowed,
        );
    }
    value
}

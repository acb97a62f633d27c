//! Memory and CPU time of processes, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// What a set of processes uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) processes: u32,
    /// Memory that is theirs, shared pages divided among those who share them (PSS).
    pub(crate) memory_bytes: u64,
    pub(crate) cpu: Duration,
}

/// Of the process and everything below it that runs the same program, so without the servers that
/// it started.
pub(crate) fn family(pid: u32) -> anyhow::Result<Usage> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).context("the process is gone")?;
    let all = parents();
    let mut members = vec![pid];
    let mut seen = 0;
    while let Some(&parent) = members.get(seen) {
        seen += 1;
        let children = all.iter().filter(|it| it.1 == parent).map(|it| it.0);
        members.extend(children.filter(|child| {
            fs::read_link(format!("/proc/{child}/exe")).is_ok_and(|it| it == program)
        }));
    }
    let mut usage = Usage::default();
    for member in members {
        // One that ended meanwhile uses nothing.
        let (memory_bytes, cpu) = (memory(member).unwrap_or(0), cpu(member).unwrap_or_default());
        usage.processes += 1;
        usage.memory_bytes += memory_bytes;
        usage.cpu += cpu;
    }
    Ok(usage)
}

/// The process and everything below it.
pub(crate) fn below(pid: u32) -> Vec<u32> {
    let all = parents();
    let mut members = vec![pid];
    let mut seen = 0;
    while let Some(&parent) = members.get(seen) {
        seen += 1;
        members.extend(all.iter().filter(|it| it.1 == parent).map(|it| it.0));
    }
    members
}

/// Resident memory of one process, in bytes.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    field_kb(
        &fs::read_to_string(format!("/proc/{pid}/status")).ok()?,
        "VmRSS:",
    )
}

/// The most memory of one process that was resident at once, in bytes.
pub(crate) fn peak(pid: u32) -> Option<u64> {
    field_kb(
        &fs::read_to_string(format!("/proc/{pid}/status")).ok()?,
        "VmHWM:",
    )
}

/// CPU time of a process and all below it, with those that it has waited for.
pub(crate) fn tree_cpu(pid: u32) -> Duration {
    let all = parents();
    let mut members = vec![pid];
    let mut seen = 0;
    while let Some(&parent) = members.get(seen) {
        seen += 1;
        members.extend(all.iter().filter(|it| it.1 == parent).map(|it| it.0));
    }
    let with_ended = [11, 12, 13, 14];
    members
        .into_iter()
        .filter_map(|member| time(member, &with_ended))
        .sum()
}

fn memory(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    field_kb(&rollup, "Pss:")
}

fn field_kb(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|it| it.strip_prefix(name))?;
    let kb: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kb * 1_024)
}

/// CPU time of one process.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    time(pid, &[11, 12])
}

fn time(pid: u32, which: &[usize]) -> Option<Duration> {
    let fields = stat(pid)?;
    let ticks: u64 = which
        .iter()
        .filter_map(|&it| fields.get(it)?.parse::<u64>().ok())
        .sum();
    // USER_HZ, which is 100 on every Linux.
    Some(Duration::from_millis(ticks * 10))
}

fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|it| it.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?)))
        .collect()
}

/// The fields behind the command's name, which may itself hold spaces and brackets: state, parent
/// and so on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let usage = family(std::process::id()).unwrap();
        assert!(usage.processes >= 1);
        assert!(usage.memory_bytes > 100_000, "{usage:?}");
        assert!(resident(std::process::id()).unwrap() > 100_000);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(family(0).is_err());
    }
}

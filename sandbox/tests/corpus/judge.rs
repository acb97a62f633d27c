//! What is expected of a run against what it showed.

use std::time::Duration;

use super::case::{Case, Expect};
use super::ground::Ground;
use super::run::{self, Seen};

/// Everything about a run that is not as the entry and the promise have it.
pub(super) fn judge(ground: &Ground, case: &Case, seen: &Seen) -> Vec<String> {
    let mut breaches = seen.breaches.clone();
    let Some(verdict) = &seen.verdict else {
        return breaches;
    };
    let expect = &case.expect;
    let is_any_code = verdict.starts_with("OK(") && expect.verdict.iter().any(|one| one == "OK(n)");
    if !expect.verdict.contains(verdict) && !is_any_code {
        let said = String::from_utf8_lossy(&seen.stdout[..seen.stdout.len().min(300)]).into_owned();
        let complained =
            String::from_utf8_lossy(&seen.stderr[..seen.stderr.len().min(300)]).into_owned();
        breaches.push(format!(
            "{verdict} and not {:?}; it said {said:?} and {complained:?}",
            expect.verdict
        ));
    }
    let stdout = String::from_utf8_lossy(&seen.stdout).into_owned();
    let stdout = if case.terminal {
        stdout.replace("\r\n", "\n")
    } else {
        stdout
    };
    let stderr = String::from_utf8_lossy(&seen.stderr);
    words(expect, &stdout, &stderr, &mut breaches);
    probes(expect, &stdout, &mut breaches);
    measures(ground, case, seen, &mut breaches);
    taken_out(expect, seen, &mut breaches);
    let files = seen.collected.iter().map(|file| &file.content[..]);
    for output in [&seen.stdout[..], &seen.stderr[..]]
        .into_iter()
        .chain(files)
    {
        breaches.extend(ground.site.canaries.told_by(output));
    }
    breaches
}

fn words(expect: &Expect, stdout: &str, stderr: &str, breaches: &mut Vec<String>) {
    if let Some(exactly) = expect
        .stdout
        .as_deref()
        .filter(|exactly| *exactly != stdout)
    {
        breaches.push(format!(
            "it said {:?} and not {exactly:?}, and complained {:?}",
            cut(stdout),
            cut(stderr)
        ));
    }
    if let Some(bytes) = expect.stdout_bytes.filter(|bytes| *bytes != stdout.len()) {
        breaches.push(format!("it said {} bytes and not {bytes}", stdout.len()));
    }
    let lines = stdout.lines().count();
    if let Some(expected) = expect.lines.filter(|expected| *expected != lines) {
        breaches.push(format!(
            "it said {lines} lines and not {expected}: {:?}",
            cut(stdout)
        ));
    }
    for (wanted, said) in [
        (&expect.contains, stdout),
        (&expect.stderr_contains, stderr),
    ] {
        let missing = wanted.iter().filter(|text| !said.contains(text.as_str()));
        breaches.extend(missing.map(|text| format!("{text:?} is not in {:?}", cut(said))));
    }
    let unwanted = expect
        .lacks
        .iter()
        .filter(|text| stdout.contains(text.as_str()) || stderr.contains(text.as_str()));
    breaches.extend(unwanted.map(|text| format!("it said {text:?}")));
}

fn cut(text: &str) -> String {
    text.chars().take(1500).collect()
}

/// The lines of the probes. Without an expectation of its own an entry has none that is open.
fn probes(expect: &Expect, stdout: &str, breaches: &mut Vec<String>) {
    let open: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("OPEN "))
        .collect();
    let expected: Vec<&str> = expect.open.iter().flatten().map(String::as_str).collect();
    if open != expected {
        breaches.push(format!("open are {open:?} and not {expected:?}"));
    }
    let denied: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("DENIED "))
        .collect();
    if let Some(count) = expect.denied.filter(|count| *count != denied.len()) {
        breaches.push(format!(
            "{} are denied and not {count}: {denied:?}",
            denied.len()
        ));
    }
    if let Some(errors) = &expect.errors {
        let other = denied.iter().filter(|line| {
            !line
                .split(' ')
                .next_back()
                .is_some_and(|error| errors.iter().any(|one| one == error))
        });
        breaches.extend(other.map(|line| format!("denied otherwise than with {errors:?}: {line}")));
    }
}

/// The files that came out of the cell: all that are expected, no others, and within the limits.
fn taken_out(expect: &Expect, seen: &Seen, breaches: &mut Vec<String>) {
    let mut names: Vec<&str> = seen
        .collected
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    names.sort_unstable();
    if let Some(expected) = expect
        .collected
        .as_ref()
        .filter(|expected| **expected != names)
    {
        breaches.push(format!("the files {names:?} came out and not {expected:?}"));
    }
    let bytes: usize = seen.collected.iter().map(|file| file.content.len()).sum();
    if names.len() > run::TAKEN.files || bytes as u64 > run::TAKEN.bytes {
        breaches.push(format!("{} files with {bytes} bytes came out", names.len()));
    }
}

/// Times and sizes; what the machine took for itself counts for nobody.
fn measures(ground: &Ground, case: &Case, seen: &Seen, breaches: &mut Vec<String>) {
    let (expect, limits) = (&case.expect, &case.limits);
    let Some(end) = seen.end else { return };
    let ms = Duration::from_millis;
    let (cpu, wall) = (end.usage.cpu_user + end.usage.cpu_system, end.usage.wall);
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let patience = ground.grace + seen.stalled;
    let latest = ms(limits.wall_ms) + patience;
    let mut at_most = |what: &str, took: Duration, most: Duration| {
        if took > most {
            breaches.push(format!(
                "{what} {took:?}, and at most {most:?} is right (the machine was away for {:?})",
                seen.stalled
            ));
        }
    };
    at_most("its end came after", seen.took, latest);
    at_most(
        "it used CPU time of",
        cpu,
        ms(limits.cpu_ms) + patience * processors,
    );
    if let Some(most) = expect.cpu_at_most_ms {
        at_most("it used CPU time of", cpu, ms(most) + seen.stalled);
    }
    if let Some(most) = expect.wall_at_most_ms {
        at_most("it ended after", wall, ms(most) + seen.stalled);
    }
    if expect
        .wall_at_least_ms
        .is_some_and(|least| wall < ms(least))
    {
        breaches.push(format!("it ended after {wall:?} already"));
    }
    let said = seen.stdout.len() + seen.stderr.len();
    if expect
        .output_at_most_kb
        .is_some_and(|most| said > most << 10)
    {
        breaches.push(format!("it said {said} bytes"));
    }
    if end.usage.memory_peak_bytes > limits.memory_mb << 20 {
        breaches.push(format!(
            "it had {} bytes of memory",
            end.usage.memory_peak_bytes
        ));
    }
}

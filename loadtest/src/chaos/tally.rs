//! What went wrong and how often, and what else is worth telling.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::report::say;

/// Things of which there must be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wrong {
    /// Accepted, and not there or without an end.
    Lost,
    /// More executions than submissions.
    Doubled,
    /// An end that the program cannot have come to.
    Outcome,
    /// Output that the program did not print.
    Output,
    /// A viewer saw something else than the recording.
    Viewer,
    /// A refusal other than 503 with Retry-After or 429.
    Refusal,
    /// Something that `runlog verify` found.
    Verify,
}

impl Wrong {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Lost, "accepted submissions lost"),
        (Self::Doubled, "submissions doubled"),
        (Self::Outcome, "wrong outcomes"),
        (Self::Output, "wrong output"),
        (Self::Viewer, "viewers who saw something else"),
        (Self::Refusal, "refusals other than 503 with Retry-After"),
        (Self::Verify, "findings of runlog verify"),
    ];
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) wrong: BTreeMap<Wrong, u64>,
    /// The first of each, in words.
    pub(crate) examples: Vec<String>,
    pub(crate) counted: BTreeMap<&'static str, u64>,
    /// In milliseconds.
    pub(crate) times_ms: BTreeMap<&'static str, Vec<u64>>,
}

impl Tally {
    fn with<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something went wrong.
    pub(crate) fn wrong(&self, what: Wrong, words: String) {
        say(&format!("WRONG: {words}"));
        self.with(|counts| {
            *counts.wrong.entry(what).or_default() += 1;
            if counts.examples.len() < 100 {
                counts.examples.push(words);
            }
        });
    }

    /// Something that may happen.
    pub(crate) fn count(&self, what: &'static str, number: u64) {
        self.with(|counts| *counts.counted.entry(what).or_default() += number);
    }

    /// How often it has happened.
    pub(crate) fn counted(&self, what: &'static str) -> u64 {
        self.with(|counts| counts.counted.get(what).copied().unwrap_or(0))
    }

    /// How long something took.
    pub(crate) fn took(&self, what: &'static str, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.with(|counts| counts.times_ms.entry(what).or_default().push(ms));
    }

    /// All of it.
    pub(crate) fn counts(&self) -> Counts {
        self.with(|counts| counts.clone())
    }
}

impl Counts {
    /// Whether nothing went wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.wrong.values().all(|it| *it == 0)
    }

    /// The table, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |words: &str, value: String| format!("{words:<60} {value:>12}");
        let zeros = Wrong::ALL.iter().map(|(what, words)| {
            let number = self.wrong.get(what).copied().unwrap_or(0);
            line(words, number.to_string())
        });
        let counted = self
            .counted
            .iter()
            .map(|(words, number)| line(words, number.to_string()));
        let times = self.times_ms.iter().map(|(words, times)| {
            let mut times = times.clone();
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or(0);
            let longest = times.last().copied().unwrap_or(0);
            let words = format!("{words} (ms, median and longest of {})", times.len());
            line(&words, format!("{median} / {longest}"))
        });
        let head = line("MUST BE ZERO", String::new());
        let rest = line("MAY BE", String::new());
        std::iter::once(head.trim_end().to_owned())
            .chain(zeros)
            .chain([rest.trim_end().to_owned()])
            .chain(counted)
            .chain(times)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_thing_is_enough() {
        let tally = Tally::default();
        tally.count("faults", 3);
        assert!(tally.counts().is_clean());
        assert!(tally.counts().lines()[1].ends_with(" 0"));
        tally.wrong(Wrong::Lost, "x is lost".to_owned());
        assert!(!tally.counts().is_clean());
        assert!(tally.counts().lines()[1].ends_with(" 1"));
    }
}

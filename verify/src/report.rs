//! Everything that was looked at and everything that was found.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::{Finding, Rule};

/// Findings that are kept in full; of the others only the number.
const KEPT: usize = 1_000;

/// A piece of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Its first sequence.
    pub first: u64,
    /// Its last sequence; less than the first where it is empty.
    pub last: u64,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The piece of `EXECUTIONS`.
    pub executions_range: Range,
    /// The piece of `OUTPUT`.
    pub output_range: Range,
    /// Up to where the read model had folded the log; `None` where it was not looked at.
    pub checkpoint: Option<u64>,
    /// Events of executions.
    pub events: u64,
    /// Executions whose submission the log has.
    pub executions: u64,
    /// Those of them that ended.
    pub ended: u64,
    /// Messages of recordings.
    pub batches: u64,
    /// Recordings whose every byte was compared with the terminal event.
    pub recordings: u64,
    /// Recordings that have left the log, in whole or in part, as is their fate.
    pub recordings_gone: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Programs that were shared, as far as the log has them.
    pub snippets: u64,
    /// Rows of `executions` that were compared with the log.
    pub rows: u64,
    /// Rows whose events have left the log.
    pub rows_gone: u64,
    /// Recordings in the read model whose every byte was compared.
    pub stored_recordings: u64,
    /// Executions whose recording the read model is still to store.
    pub recordings_due: u64,
}

/// The answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was looked at.
    pub checked: Checked,
    /// How often each rule did not hold.
    pub broken: BTreeMap<Rule, u64>,
    /// What is wrong, the first thousand.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything holds.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.broken.is_empty()
    }

    /// How many things are wrong.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.broken.values().sum()
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        *self.broken.entry(finding.rule).or_default() += 1;
        if self.findings.len() < KEPT {
            self.findings.push(finding);
        }
    }
}

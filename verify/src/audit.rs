//! Every row of the read models against the book of the log.

use runlog_nats::Log;
use runlog_schemas::ExecutionId;
use tokio_postgres::Row;

use crate::Error;
use crate::book::Book;
use crate::compare::{CLOSELY, NOT_AS_TOLD, NOT_THE_FOLD};
use crate::digest;
use crate::finding::{Finding, Rule};
use crate::recording::Total;
use crate::report::Report;
use crate::row::{Line, unsigned};
use crate::stored::{Large, Stored, Verdict};

/// The comparison of the tables with the log.
pub(crate) struct Audit<'a> {
    pub(crate) book: &'a mut Book,
    pub(crate) report: &'a mut Report,
    /// Where the log began when it was read: what is before stands in the tables alone.
    pub(crate) log_first: u64,
    /// Rows that differ, to be looked at once more; no more than are looked at closely.
    pub(crate) differing: Vec<(ExecutionId, Line)>,
    /// Rows of recordings whose bodies stand in the object store.
    pub(crate) large: Vec<Large>,
    /// Recordings that differ, likewise.
    pub(crate) recordings: Vec<(ExecutionId, Total)>,
}

impl Audit<'_> {
    pub(crate) fn row(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        let found = Line::read(row)?;
        let first = unsigned(found.line.first_sequence);
        let Some(entry) = self.book.entries.get_mut(&found.id) else {
            if first < self.log_first {
                self.report.checked.rows_gone += 1;
            } else {
                let words = format!("a row of message {first}, which submits nothing of that id");
                self.add(Rule::RowExtra, "executions", found.id, words);
            }
            return Ok(());
        };
        entry.seen.row = true;
        self.report.checked.rows += 1;
        let Some(expected) = entry.row else {
            let words = format!("a row of message {first}, which is behind the checkpoint");
            self.add(Rule::RowExtra, "executions", found.id, words);
            return Ok(());
        };
        if found.last_sequence != entry.folded {
            let words = format!(
                "last_sequence is {}, the log says {}",
                found.last_sequence, entry.folded
            );
            self.add(Rule::Row, "executions", found.id, words);
        } else if found.line.digest() != expected {
            if self.differing.len() < CLOSELY {
                self.differing.push((found.id, found.line));
            } else {
                self.add(Rule::Row, "executions", found.id, NOT_THE_FOLD.to_owned());
            }
        }
        Ok(())
    }

    pub(crate) fn submission(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        let id = ExecutionId::from_uuid(row.try_get(0)?);
        let body: &[u8] = row.try_get(1)?;
        let Some(entry) = self.book.entries.get_mut(&id) else {
            return Ok(());
        };
        entry.seen.submission = true;
        let expected = entry.submission;
        match zstd::stream::decode_all(body) {
            Ok(event) if digest::of_bytes(&event) == expected => {}
            Ok(_) => {
                let words = "it is not the submission that stands in the log".to_owned();
                self.add(Rule::Submission, "submissions", id, words);
            }
            Err(error) => {
                let words = format!("it cannot be decompressed: {error}");
                self.add(Rule::Submission, "submissions", id, words);
            }
        }
        Ok(())
    }

    pub(crate) fn due(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        let id = ExecutionId::from_uuid(row.try_get(0)?);
        self.report.checked.recordings_due += 1;
        if let Some(entry) = self.book.entries.get_mut(&id) {
            entry.seen.due = true;
        }
        Ok(())
    }

    pub(crate) fn recording(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        let stored = Stored::read(row)?;
        let Some(entry) = self.book.entries.get_mut(&stored.id) else {
            return Ok(());
        };
        entry.seen.recording = true;
        match row.try_get(7)? {
            Some(object) => self.large.push(stored.in_store(object)),
            None => self.stored(&stored),
        }
        Ok(())
    }

    fn stored(&mut self, stored: &Stored<'_>) {
        let id = stored.id;
        let Some(entry) = self.book.entries.get(&id) else {
            return;
        };
        match stored.compare(entry) {
            Verdict::Same => self.report.checked.stored_recordings += 1,
            Verdict::Wrong(words) => self.add(Rule::Recording, "recordings", id, words),
            Verdict::Differs(total) if self.recordings.len() < CLOSELY => {
                self.recordings.push((id, *total));
            }
            Verdict::Differs(_) => {
                self.add(Rule::Recording, "recordings", id, NOT_AS_TOLD.to_owned());
            }
        }
    }

    /// Compares the recordings that stand in the object store.
    pub(crate) async fn check_large(&mut self, log: &Log) -> Result<(), Error> {
        for large in std::mem::take(&mut self.large) {
            match log.read_object(&large.object).await? {
                Some(body) => self.stored(&large.with(&body)),
                None => {
                    let words = format!("the object store does not have {}", large.object);
                    self.add(Rule::Recording, "recordings", large.id, words);
                }
            }
        }
        Ok(())
    }

    /// What should be in the tables and is not.
    pub(crate) fn missing(&mut self, checkpoint: u64) {
        let entries: Vec<_> = self.book.entries.iter().collect();
        let mut findings = Vec::new();
        for (id, entry) in entries {
            let mut miss = |rule, table, words: &str| {
                findings.push(Finding::new(rule, table, words).of(*id));
            };
            if entry.row.is_none() {
                continue;
            }
            if !entry.seen.row {
                miss(Rule::RowMissing, "executions", "it has no row");
            }
            if !entry.seen.submission {
                miss(
                    Rule::Submission,
                    "submissions",
                    "its submission is not kept",
                );
            }
            let stored = entry.seen.recording || entry.seen.due;
            if entry.output.is_some()
                && entry.folded == entry.last
                && !stored
                && entry.last <= checkpoint
            {
                let words = "its recording is neither kept nor due";
                miss(Rule::Recording, "recordings", words);
            }
        }
        for finding in findings {
            self.report.add(finding);
        }
    }

    pub(crate) fn add(&mut self, rule: Rule, table: &'static str, id: ExecutionId, words: String) {
        self.report.add(Finding::new(rule, table, words).of(id));
    }
}

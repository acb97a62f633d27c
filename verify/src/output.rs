//! The stream `OUTPUT`: every recording against the terminal event that speaks of it.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use futures_util::TryStreamExt as _;
use runlog_nats::{Freshness, Log, RawMessage};
use runlog_schemas::subject::{OUTPUT, Subject};
use runlog_schemas::{ExecutionId, OutputBatch, OutputSummary, decode_output};

use crate::Error;
use crate::book::Book;
use crate::digest;
use crate::finding::{Finding, Rule};
use crate::recording::{Recording, Total};
use crate::report::{Range, Report};

/// Executions that are asked for once more because their output runs ahead of what is known.
const DOUBTS: usize = 10_000;

/// Reads it all.
pub(crate) async fn read(
    log: &Log,
    range: Range,
    book: &mut Book,
    report: &mut Report,
) -> Result<(), Error> {
    let mut reading = Reading {
        log,
        next: range.first,
        first: range.first,
        open: HashMap::new(),
        doubts: HashSet::new(),
        book,
        report,
    };
    let mut pages = pin!(log.scan(OUTPUT, range.first, range.last));
    while let Some(page) = pages.try_next().await? {
        for message in page {
            reading.take(&message).await?;
        }
    }
    reading.expect(range.last + 1).await?;
    reading.resolve_doubts().await?;
    reading.count_missing().await
}

struct Reading<'a> {
    log: &'a Log,
    next: u64,
    /// Where the stream began last time we looked.
    first: u64,
    /// Recordings that have begun and not ended.
    open: HashMap<ExecutionId, Recording>,
    /// Executions with output of an attempt that is not known.
    doubts: HashSet<(ExecutionId, u32, u64)>,
    book: &'a mut Book,
    report: &'a mut Report,
}

impl Reading<'_> {
    async fn take(&mut self, message: &RawMessage) -> Result<(), Error> {
        let sequence = message.sequence;
        self.expect(sequence).await?;
        self.next = sequence + 1;
        let Some(Subject::Output(id)) = Subject::parse(&message.subject) else {
            let words = format!("a message on {}", message.subject);
            self.report
                .add(Finding::new(Rule::UnknownSubject, OUTPUT, words).at(sequence));
            return Ok(());
        };
        match decode_output(&message.payload) {
            Ok(batch) => {
                self.report.checked.batches += 1;
                self.take_batch(sequence, id, &batch).await
            }
            Err(error) => {
                let words = crate::error::in_words(&error);
                let finding = Finding::new(Rule::Unreadable, OUTPUT, words);
                self.report.add(finding.at(sequence).of(id));
                Ok(())
            }
        }
    }

    async fn take_batch(
        &mut self,
        sequence: u64,
        id: ExecutionId,
        batch: &OutputBatch,
    ) -> Result<(), Error> {
        let Some(entry) = self.book.entries.get(&id) else {
            // Submitted since, or so long ago that its events are gone.
            return Ok(());
        };
        if batch.attempt > entry.attempts {
            if self.doubts.len() < DOUBTS {
                self.doubts.insert((id, batch.attempt, sequence));
            }
            return Ok(());
        }
        let Some(output) = entry
            .output
            .as_ref()
            .filter(|it| it.attempt == batch.attempt)
        else {
            return Ok(());
        };
        // What comes behind the last message that counts is of a worker that was late.
        let Some(last) = output.last_sequence.filter(|last| sequence <= *last) else {
            return Ok(());
        };
        let recording = self
            .open
            .entry(id)
            .or_insert_with(|| Recording::new(batch.attempt));
        recording.push(batch);
        if sequence == last
            && let Some(recording) = self.open.remove(&id)
        {
            self.compare(id, sequence, recording.total(Some(last)))
                .await?;
        }
        Ok(())
    }

    async fn compare(&mut self, id: ExecutionId, sequence: u64, total: Total) -> Result<(), Error> {
        let Some(entry) = self.book.entries.get_mut(&id) else {
            return Ok(());
        };
        entry.seen.output = true;
        let Some(output) = &mut entry.output else {
            return Ok(());
        };
        let starts_late = total.gap.is_some_and(|(from, _)| from == 0);
        if starts_late && self.first > 1 {
            self.report.checked.recordings_gone += 1;
            return Ok(());
        }
        self.report.checked.recordings += 1;
        if total.gap.is_none() && digest::of_value(&total.summary) == output.summary {
            output.chunks = Some(total.chunks);
            return Ok(());
        }
        let told = told(self.log, id).await?;
        let violation = told.and_then(|told| total.compare(&told));
        if let Some(violation) = violation {
            let finding = Finding::from_violation(violation, OUTPUT);
            self.report.add(finding.at(sequence).of(id));
        }
        Ok(())
    }

    /// Messages may leave the front of the stream while it is read, and nowhere else.
    async fn expect(&mut self, sequence: u64) -> Result<(), Error> {
        if sequence > self.next {
            self.first = self.log.bounds(OUTPUT).await?.first_sequence;
            let from = self.next.max(self.first);
            if sequence > from {
                let words = format!("{from} to {} are missing", sequence - 1);
                self.report
                    .add(Finding::new(Rule::Gap, OUTPUT, words).at(from));
            }
        }
        Ok(())
    }

    /// An attempt may have begun since the lifecycle was read. If it has not, its program ran
    /// without anybody having started it.
    async fn resolve_doubts(&mut self) -> Result<(), Error> {
        for (id, attempt, sequence) in std::mem::take(&mut self.doubts) {
            let folded = self.log.read_execution(id, Freshness::Leader).await?;
            let begun = folded.is_none_or(|it| {
                let mut attempts = it.execution.attempts.iter();
                attempts.any(|it| it.number == attempt)
            });
            if !begun {
                let words = format!("output of attempt {attempt}, which was never started");
                let finding = Finding::new(Rule::RanWithoutStart, OUTPUT, words);
                self.report.add(finding.at(sequence).of(id));
            }
        }
        Ok(())
    }

    /// Recordings whose last message did not come.
    async fn count_missing(&mut self) -> Result<(), Error> {
        self.first = self.log.bounds(OUTPUT).await?.first_sequence;
        for (id, entry) in &self.book.entries {
            let last = entry.output.as_ref().and_then(|it| it.last_sequence);
            let Some(last) = last.filter(|_| !entry.seen.output) else {
                continue;
            };
            if last < self.first {
                self.report.checked.recordings_gone += 1;
            } else {
                let words = format!(
                    "message {last}, which the terminal event names as its last output, is not \
                     there or not of it"
                );
                let finding = Finding::new(Rule::Output, OUTPUT, words);
                self.report.add(finding.at(last).of(*id));
            }
        }
        Ok(())
    }
}

/// What the terminal event says of the output.
pub(crate) async fn told(log: &Log, id: ExecutionId) -> Result<Option<OutputSummary>, Error> {
    let folded = log.read_execution(id, Freshness::Leader).await?;
    Ok(folded.and_then(|it| it.execution.end().and_then(|end| end.output.clone())))
}

//! The stream `EXECUTIONS`, from its first message to a last one that was fixed before.

use std::pin::pin;

use futures_util::TryStreamExt as _;
use runlog_nats::{Freshness, Log, RawMessage};
use runlog_schemas::subject::{EXECUTIONS, Subject};
use runlog_schemas::{Execution, ExecutionId, decode_event, fold};

use crate::book::{Book, Taken};
use crate::finding::{Finding, Rule};
use crate::report::{Range, Report};
use crate::{Error, Lifecycle};

/// Reads it all, up to the checkpoint and on to the end.
pub(crate) async fn read(
    log: &Log,
    range: Range,
    checkpoint: u64,
    report: &mut Report,
) -> Result<Book, Error> {
    let mut reading = Reading {
        log,
        range,
        next: range.first,
        checkpoint,
        book: Book::default(),
        report,
    };
    let mut pages = pin!(log.scan(EXECUTIONS, range.first, range.last));
    while let Some(page) = pages.try_next().await? {
        for message in page {
            reading.take(&message).await?;
        }
    }
    reading.expect(range.last + 1).await?;
    reading.book.pass_checkpoint();
    Ok(reading.book)
}

struct Reading<'a> {
    log: &'a Log,
    range: Range,
    next: u64,
    checkpoint: u64,
    book: Book,
    report: &'a mut Report,
}

impl Reading<'_> {
    async fn take(&mut self, message: &RawMessage) -> Result<(), Error> {
        let sequence = message.sequence;
        self.expect(sequence).await?;
        self.next = sequence + 1;
        if sequence > self.checkpoint {
            self.book.pass_checkpoint();
        }
        let id = match Subject::parse(&message.subject) {
            Some(Subject::Submit { id, .. } | Subject::Status(id)) => id,
            Some(Subject::Output(_)) | None => {
                let words = format!("a message on {}", message.subject);
                self.find(Finding::new(Rule::UnknownSubject, EXECUTIONS, words).at(sequence));
                return Ok(());
            }
        };
        let event = match decode_event(&message.payload) {
            Ok(event) => event,
            Err(error) => {
                let words = crate::error::in_words(&error);
                let finding = Finding::new(Rule::Unreadable, EXECUTIONS, words);
                self.find(finding.at(sequence).of(id));
                return Ok(());
            }
        };
        self.report.checked.events += 1;
        let mut taken = self.book.take(sequence, id, &event);
        if matches!(taken, Taken::Forgotten) {
            let execution = self.before(id, sequence).await?;
            self.book.remember(id, execution);
            taken = self.book.take(sequence, id, &event);
        }
        match taken {
            Taken::Done(Some(violation)) => {
                let finding = Finding::from_violation(violation, EXECUTIONS);
                self.find(finding.at(sequence).of(id));
            }
            // Where the front of the log is gone, so may be the submission.
            Taken::Unknown if self.range.first == 1 => {
                if let Some(violation) = Lifecycle::default().push(&event) {
                    let finding = Finding::from_violation(violation, EXECUTIONS);
                    self.find(finding.at(sequence).of(id));
                }
            }
            Taken::Done(None) | Taken::Forgotten | Taken::Unknown => {}
        }
        Ok(())
    }

    /// Messages may leave the front of the stream while it is read, and nowhere else.
    async fn expect(&mut self, sequence: u64) -> Result<(), Error> {
        if sequence > self.next {
            let bounds = self.log.bounds(EXECUTIONS).await?;
            let from = self.next.max(bounds.first_sequence);
            if sequence > from {
                let words = format!("{from} to {} are missing", sequence - 1);
                self.find(Finding::new(Rule::Gap, EXECUTIONS, words).at(from));
            }
        }
        Ok(())
    }

    /// An execution as it was before a sequence.
    async fn before(&self, id: ExecutionId, sequence: u64) -> Result<Execution, Error> {
        let folded = self.log.read_execution(id, Freshness::Leader).await?;
        let events = folded.map(|it| it.events).unwrap_or_default();
        let earlier = events.iter().take_while(|(at, _)| *at < sequence);
        Ok(earlier.fold(Execution::default(), |it, (_, event)| fold(it, event)))
    }

    fn find(&mut self, finding: Finding) {
        self.report.add(finding);
    }
}

//! The stream `DEAD_LETTERS` against what was given up.

use std::pin::pin;

use futures_util::TryStreamExt as _;
use runlog_nats::{DeadLetter, Freshness, Log, RawMessage};
use runlog_schemas::subject::DEAD_LETTERS;
use runlog_schemas::{ExecutionId, Outcome};

use crate::Error;
use crate::book::Book;
use crate::finding::{Finding, Rule};
use crate::report::Report;

/// Reads every letter, and looks for those that are not there.
pub(crate) async fn read(log: &Log, book: &mut Book, report: &mut Report) -> Result<(), Error> {
    let bounds = log.bounds(DEAD_LETTERS).await?;
    let mut pages = pin!(log.scan(DEAD_LETTERS, bounds.first_sequence, bounds.last_sequence));
    while let Some(page) = pages.try_next().await? {
        for message in page {
            report.checked.dead_letters += 1;
            if let Some(finding) = compare(log, book, &message).await? {
                report.add(finding.at(message.sequence));
            }
        }
    }
    Ok(())
}

async fn compare(
    log: &Log,
    book: &mut Book,
    message: &RawMessage,
) -> Result<Option<Finding>, Error> {
    let wrong = |words: String| Finding::new(Rule::DeadLetter, DEAD_LETTERS, words);
    let id = message.subject.rsplit('.').next();
    let Some(id) = id.and_then(|it| it.parse::<ExecutionId>().ok()) else {
        let words = format!("a letter on {}", message.subject);
        return Ok(Some(Finding::new(
            Rule::UnknownSubject,
            DEAD_LETTERS,
            words,
        )));
    };
    let Ok(letter) = serde_json::from_slice::<DeadLetter>(&message.payload) else {
        let finding = Finding::new(Rule::Unreadable, DEAD_LETTERS, "not a dead letter");
        return Ok(Some(finding.of(id)));
    };
    let Some(entry) = book.entries.get_mut(&id) else {
        // Given up since, or so long ago that its events are gone.
        return Ok(None);
    };
    entry.seen.letter = true;
    if entry.ended && !entry.died {
        return Ok(Some(
            wrong("a letter of what was not given up".to_owned()).of(id),
        ));
    }
    if letter.submission_sequence != entry.first {
        let words = format!(
            "the letter names submission {}, the log has it at {}",
            letter.submission_sequence, entry.first
        );
        return Ok(Some(wrong(words).of(id)));
    }
    let folded = log.read_execution(id, Freshness::Leader).await?;
    let end = folded.as_ref().and_then(|it| it.execution.end());
    let reason = end.and_then(|it| match &it.outcome {
        Outcome::SystemError { reason } => Some(reason),
        _ => None,
    });
    let attempts = folded.as_ref().map_or(0, |it| it.execution.attempts.len());
    let told = usize::try_from(letter.attempts).unwrap_or(usize::MAX);
    Ok(if reason != Some(&letter.reason) {
        let words = format!(
            "the letter gives {:?} as the reason, the log {reason:?}",
            letter.reason
        );
        Some(wrong(words).of(id))
    } else if attempts != told {
        let words = format!("the letter tells of {told} attempts, the log of {attempts}");
        Some(wrong(words).of(id))
    } else {
        None
    })
}

/// Executions that were given up and have no letter. Only where nothing is under way and no letter
/// has been dropped: a letter is filed behind the event, and may be removed by whoever tends them.
pub(crate) fn missing(book: &Book, report: &mut Report) {
    for (id, entry) in &book.entries {
        if entry.died && !entry.seen.letter {
            let words = "it was given up and has no dead letter";
            report.add(
                Finding::new(Rule::DeadLetter, DEAD_LETTERS, words)
                    .at(entry.last)
                    .of(*id),
            );
        }
    }
}

//! A second, closer look at what differs, with the words for it.

use runlog_nats::{Freshness, Log};
use runlog_schemas::{Execution, fold};

use crate::Error;
use crate::audit::Audit;
use crate::book::Book;
use crate::finding::{Finding, Rule};
use crate::output::told;
use crate::row::Line;

/// Rows and recordings that are looked at closely; more say no more.
pub(crate) const CLOSELY: usize = 1_000;

/// What is said of those that are not.
pub(crate) const NOT_THE_FOLD: &str = "it is not the fold of its events";
pub(crate) const NOT_AS_TOLD: &str = "it is not what the terminal event tells";

/// Says of everything that differs in what it does.
pub(crate) async fn explain(log: &Log, audit: &mut Audit<'_>) -> Result<(), Error> {
    for (id, line) in std::mem::take(&mut audit.differing) {
        let expected = expected(log, audit.book, id).await?;
        let words = expected.and_then(|expected| line.difference(&expected));
        let words = words.unwrap_or_else(|| NOT_THE_FOLD.to_owned());
        audit.add(Rule::Row, "executions", id, words);
    }
    for (id, total) in std::mem::take(&mut audit.recordings) {
        let told = told(log, id).await?;
        let violation = told.and_then(|told| total.compare(&told));
        let words = violation.map_or_else(|| NOT_AS_TOLD.to_owned(), |it| it.words);
        audit.add(Rule::Recording, "recordings", id, words);
    }
    Ok(())
}

/// The row that the log asks for.
async fn expected(
    log: &Log,
    book: &Book,
    id: runlog_schemas::ExecutionId,
) -> Result<Option<Line>, Error> {
    let Some(entry) = book.entries.get(&id) else {
        return Ok(None);
    };
    let Some(folded) = log.read_execution(id, Freshness::Leader).await? else {
        return Ok(None);
    };
    let execution = folded
        .events
        .iter()
        .take_while(|(sequence, _)| *sequence <= entry.folded)
        .fold(Execution::default(), |it, (_, event)| fold(it, event));
    Ok(Some(Line::of(entry.first, &execution)))
}

/// Submissions without an end, where nothing is under way any more.
pub(crate) fn unended(book: &Book) -> impl Iterator<Item = Finding> {
    book.entries
        .iter()
        .filter(|(_, entry)| !entry.ended)
        .map(|(id, entry)| {
            let words = format!("{} attempts and no terminal event", entry.attempts);
            Finding::new(Rule::NotEnded, runlog_schemas::subject::EXECUTIONS, words)
                .at(entry.last)
                .of(*id)
        })
}

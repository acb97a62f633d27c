//! The table `snippets` against the stream `SNIPPETS`.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use runlog_nats::{Log, RawMessage};
use runlog_schemas::subject::SNIPPETS;
use runlog_schemas::{SnippetId, decode_snippet};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::Error;
use crate::digest::{self, Digest};
use crate::finding::{Finding, Rule};
use crate::report::Report;
use crate::row::unsigned;
use crate::tables::Tables;

/// A snippet as the log has it.
#[derive(Clone, Copy, Debug)]
struct Shared {
    id: Uuid,
    execution: Option<Uuid>,
    digest: Digest,
}

/// Reads every snippet of the log, and compares the rows with them where there are tables.
pub(crate) async fn check(
    log: &Log,
    tables: Option<&Tables<'_>>,
    report: &mut Report,
) -> Result<(), Error> {
    let bounds = log.bounds(SNIPPETS).await?;
    let mut shared = BTreeMap::new();
    let mut pages = pin!(log.scan(SNIPPETS, bounds.first_sequence, bounds.last_sequence));
    while let Some(page) = pages.try_next().await? {
        for message in page {
            report.checked.snippets += 1;
            match read(&message) {
                Ok(snippet) => drop(shared.insert(message.sequence, snippet)),
                Err(finding) => report.add(finding.at(message.sequence)),
            }
        }
    }
    let Some(tables) = tables else { return Ok(()) };
    let mut folded = 0;
    loop {
        let rows = tables.next_snippets().await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let sequence = compare(row, bounds.first_sequence, &mut shared, report)
                .map_err(Error::database("understand the read models"))?;
            folded = folded.max(sequence);
        }
    }
    for (sequence, snippet) in shared.range(..=folded) {
        let words = format!("snippet {} has no row", snippet.id.as_simple());
        report.add(Finding::new(Rule::Snippet, "snippets", words).at(*sequence));
    }
    Ok(())
}

fn read(message: &RawMessage) -> Result<Shared, Finding> {
    let id = message.subject.strip_prefix("snippet.");
    let Some(id) = id.and_then(|it| it.parse::<SnippetId>().ok()) else {
        let words = format!("a snippet on {}", message.subject);
        return Err(Finding::new(Rule::UnknownSubject, SNIPPETS, words));
    };
    let event = decode_snippet(&message.payload)
        .map_err(|error| Finding::new(Rule::Unreadable, SNIPPETS, error.to_string()))?;
    let run = event.into_snippet().run;
    Ok(Shared {
        id: Uuid::from_u128(id.bits()),
        execution: run.map(|run| run.execution_id.as_uuid()),
        digest: digest::of_bytes(&message.payload),
    })
}

/// Compares a row with its message, which it takes away. Returns the row's sequence.
fn compare(
    row: &Row,
    log_first: u64,
    shared: &mut BTreeMap<u64, Shared>,
    report: &mut Report,
) -> Result<u64, tokio_postgres::Error> {
    let id: Uuid = row.try_get(0)?;
    let sequence = unsigned(row.try_get(1)?);
    let execution: Option<Uuid> = row.try_get(2)?;
    let body: &[u8] = row.try_get(3)?;
    let mut wrong = |words: &str| {
        let words = format!("snippet {}: {words}", id.as_simple());
        report.add(Finding::new(Rule::Snippet, "snippets", words).at(sequence));
    };
    let Some(expected) = shared.remove(&sequence) else {
        if sequence >= log_first {
            wrong("the log has no such message");
        }
        return Ok(sequence);
    };
    if expected.id != id {
        wrong("the message is about another one");
    } else if expected.execution != execution {
        wrong("it names another execution than the log");
    } else {
        match zstd::stream::decode_all(body) {
            Ok(event) if digest::of_bytes(&event) == expected.digest => {}
            Ok(_) => wrong("it is not what stands in the log"),
            Err(error) => wrong(&format!("it cannot be decompressed: {error}")),
        }
    }
    Ok(sequence)
}

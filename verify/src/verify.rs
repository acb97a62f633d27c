//! The whole check, in an order that lets it run beside traffic.
//!
//! The moment of the tables is fixed first, then the ends of the streams: so the log that is read
//! contains everything that the tables can have been made of, and the output of everything that
//! has ended in it. Rows are compared with the fold up to the checkpoint of that moment.

use runlog_nats::{Bounds, Log};
use runlog_schemas::subject::{EXECUTIONS, OUTPUT};

use crate::audit::Audit;
use crate::compare::{explain, unended};
use crate::finding::{Finding, Rule};
use crate::report::{Range, Report};
use crate::tables::{Tables, connect};
use crate::{Error, dead, executions, output, snippets};

/// What to check besides the log.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Address of the database with the read models; without it the log alone is checked.
    pub database: Option<String>,
    /// Nothing is under way and no dead letter has been dropped: what has not ended is an error,
    /// and so is what was given up and has no letter.
    pub settled: bool,
}

/// Checks everything that the log holds now, and the read models as they are now.
///
/// # Errors
/// When the log or the database does not answer, or the tables have a shape that is not known.
pub async fn verify(log: &Log, options: &Options) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut client = match &options.database {
        Some(address) => Some(connect(address).await?),
        None => None,
    };
    let tables = match &mut client {
        Some(client) => Some(Tables::open(client).await?),
        None => None,
    };
    let lifecycle = range(log.bounds(EXECUTIONS).await?);
    let recordings = range(log.bounds(OUTPUT).await?);
    let checkpoint = tables.as_ref().map(|it| it.checkpoint);
    report.checked.executions_range = lifecycle;
    report.checked.output_range = recordings;
    report.checked.checkpoint = checkpoint;

    let until = checkpoint.unwrap_or(0);
    let mut book = executions::read(log, lifecycle, until, &mut report).await?;
    report.checked.executions = book.entries.len() as u64;
    report.checked.ended = book.entries.values().filter(|it| it.ended).count() as u64;
    output::read(log, recordings, &mut book, &mut report).await?;
    dead::read(log, &mut book, &mut report).await?;
    if options.settled {
        unended(&book).for_each(|finding| report.add(finding));
        dead::missing(&book, &mut report);
    }
    if let Some(tables) = &tables {
        if tables.checkpoint > lifecycle.last {
            let (checkpoint, last) = (tables.checkpoint, lifecycle.last);
            let words = format!("the read model is at {checkpoint}, the log ends at {last}");
            report.add(Finding::new(
                Rule::Checkpoint,
                "projector_checkpoints",
                words,
            ));
        }
        let mut audit = Audit {
            book: &mut book,
            report: &mut report,
            log_first: lifecycle.first,
            differing: Vec::new(),
            large: Vec::new(),
            recordings: Vec::new(),
        };
        tables.check(&mut audit).await?;
        audit.check_large(log).await?;
        audit.missing(tables.checkpoint);
        explain(log, &mut audit).await?;
    }
    snippets::check(log, tables.as_ref(), &mut report).await?;
    report
        .findings
        .sort_by_key(|it| (it.sequence, it.execution));
    Ok(report)
}

const fn range(bounds: Bounds) -> Range {
    Range {
        first: if bounds.first_sequence == 0 {
            1
        } else {
            bounds.first_sequence
        },
        last: bounds.last_sequence,
    }
}

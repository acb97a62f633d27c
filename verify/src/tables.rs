//! The read models, as they were at one moment.

use std::io::{BufRead as _, BufReader};

use runlog_nats::Log;
use runlog_schemas::{ExecutionId, OutputBatch};
use tokio_postgres::{Client, IsolationLevel, NoTls, Portal, Row, Transaction};

use crate::Error;
use crate::book::{Book, Entry};
use crate::digest;
use crate::finding::{Finding, Rule};
use crate::recording::{Recording, Total};
use crate::report::Report;
use crate::row::{COLUMNS, Line, unsigned};

/// The schema of the read models.
const SCHEMA: &str = "runlog";

/// Rows fetched at once: small ones, and those with a whole recording each.
const SOME: i32 = 1_000;
const FEW: i32 = 16;

/// A connection to the database.
pub(crate) async fn connect(address: &str) -> Result<Client, Error> {
    let mut config: tokio_postgres::Config = address.parse().map_err(Error::Address)?;
    config.application_name("runlog-verify");
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(Error::database("connect to PostgreSQL"))?;
    let run = async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection ends with its client"
    )]
    tokio::spawn(run);
    Ok(client)
}

/// All tables at one moment: rows and checkpoint are of the same batch.
pub(crate) struct Tables<'a> {
    transaction: Transaction<'a>,
    /// Up to where the log has been folded.
    pub(crate) checkpoint: u64,
    executions: Portal,
    submissions: Portal,
    recordings: Portal,
    due: Portal,
    snippets: Portal,
}

impl<'a> Tables<'a> {
    pub(crate) async fn open(client: &'a mut Client) -> Result<Self, Error> {
        let open = async {
            let transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            let row = transaction
                .query_one(
                    &format!("SELECT last_sequence FROM {SCHEMA}.projector_checkpoints"),
                    &[],
                )
                .await?;
            // All at once: a rebuild that swaps the tables leaves these to us.
            let columns = COLUMNS.join(", ");
            let executions = format!("SELECT {columns} FROM {SCHEMA}.executions");
            let submissions = format!("SELECT id, body FROM {SCHEMA}.submissions");
            let recordings = format!(
                "SELECT id, attempt, chunks, bytes, complete, problem, body, object
                 FROM {SCHEMA}.recordings"
            );
            let due = format!("SELECT id FROM {SCHEMA}.recordings_due");
            let snippets =
                format!("SELECT id, sequence, execution_id, body FROM {SCHEMA}.snippets");
            Ok(Self {
                executions: transaction.bind(&executions, &[]).await?,
                submissions: transaction.bind(&submissions, &[]).await?,
                recordings: transaction.bind(&recordings, &[]).await?,
                due: transaction.bind(&due, &[]).await?,
                snippets: transaction.bind(&snippets, &[]).await?,
                checkpoint: unsigned(row.try_get(0)?),
                transaction,
            })
        };
        open.await.map_err(Error::database("open the read models"))
    }

    /// Compares every row of every table with the book.
    pub(crate) async fn check(&self, audit: &mut Audit<'_>) -> Result<(), Error> {
        self.each(&self.executions, SOME, audit, Audit::row).await?;
        self.each(&self.submissions, SOME, audit, Audit::submission)
            .await?;
        self.each(&self.due, SOME, audit, Audit::due).await?;
        self.each(&self.recordings, FEW, audit, Audit::recording)
            .await
    }

    /// The next rows of `snippets`; none at the end.
    pub(crate) async fn next_snippets(&self) -> Result<Vec<Row>, Error> {
        let rows = self.transaction.query_portal(&self.snippets, FEW).await;
        rows.map_err(Error::database("read the read models"))
    }

    async fn each<'b>(
        &self,
        portal: &Portal,
        at_once: i32,
        audit: &mut Audit<'b>,
        take: fn(&mut Audit<'b>, &Row) -> Result<(), tokio_postgres::Error>,
    ) -> Result<(), Error> {
        loop {
            let rows = self.transaction.query_portal(portal, at_once).await;
            let rows = rows.map_err(Error::database("read the read models"))?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                take(audit, row).map_err(Error::database("understand the read models"))?;
            }
        }
    }
}

/// The comparison of the tables with the log.
pub(crate) struct Audit<'a> {
    pub(crate) book: &'a mut Book,
    pub(crate) report: &'a mut Report,
    /// Where the log began when it was read: what is before stands in the tables alone.
    pub(crate) log_first: u64,
    /// Rows that differ, to be looked at once more.
    pub(crate) differing: Vec<(ExecutionId, Line)>,
    /// Rows of recordings whose bodies stand in the object store.
    pub(crate) large: Vec<Large>,
    /// Recordings that differ, likewise.
    pub(crate) recordings: Vec<(ExecutionId, Total)>,
}

impl Audit<'_> {
    fn row(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
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
            self.differing.push((found.id, found.line));
        }
        Ok(())
    }

    fn submission(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
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

    fn due(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        let id = ExecutionId::from_uuid(row.try_get(0)?);
        self.report.checked.recordings_due += 1;
        if let Some(entry) = self.book.entries.get_mut(&id) {
            entry.seen.due = true;
        }
        Ok(())
    }

    fn recording(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
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
            Verdict::Differs(total) => self.recordings.push((id, *total)),
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

/// A row of `recordings`.
struct Stored<'a> {
    id: ExecutionId,
    attempt: u32,
    chunks: u64,
    bytes: u64,
    complete: bool,
    problem: Option<&'a str>,
    body: &'a [u8],
}

/// A row of `recordings` whose body stands in the object store.
pub(crate) struct Large {
    id: ExecutionId,
    attempt: u32,
    chunks: u64,
    bytes: u64,
    complete: bool,
    problem: Option<String>,
    object: String,
}

impl Large {
    fn with<'a>(&'a self, body: &'a [u8]) -> Stored<'a> {
        Stored {
            id: self.id,
            attempt: self.attempt,
            chunks: self.chunks,
            bytes: self.bytes,
            complete: self.complete,
            problem: self.problem.as_deref(),
            body,
        }
    }
}

/// What a stored recording is.
enum Verdict {
    Same,
    Wrong(String),
    /// Not what the terminal event tells; what exactly, must be looked up.
    Differs(Box<Total>),
}

impl<'a> Stored<'a> {
    fn read(row: &'a Row) -> Result<Self, tokio_postgres::Error> {
        let attempt: i32 = row.try_get(1)?;
        Ok(Self {
            id: ExecutionId::from_uuid(row.try_get(0)?),
            attempt: u32::try_from(attempt).unwrap_or(0),
            chunks: unsigned(row.try_get(2)?),
            bytes: unsigned(row.try_get(3)?),
            complete: row.try_get(4)?,
            problem: row.try_get(5)?,
            body: row.try_get(6)?,
        })
    }

    fn in_store(&self, object: String) -> Large {
        Large {
            id: self.id,
            attempt: self.attempt,
            chunks: self.chunks,
            bytes: self.bytes,
            complete: self.complete,
            problem: self.problem.map(str::to_owned),
            object,
        }
    }

    fn compare(&self, entry: &Entry) -> Verdict {
        let Some(output) = &entry.output else {
            return Verdict::Wrong("a recording of what has no output".to_owned());
        };
        if self.attempt != output.attempt {
            return Verdict::Wrong(format!(
                "it is of attempt {}, but attempt {} ended the execution",
                self.attempt, output.attempt
            ));
        }
        let total = match self.unpack(output.last_sequence) {
            Ok(total) => total,
            Err(error) => return Verdict::Wrong(format!("it cannot be unpacked: {error}")),
        };
        let summary = &total.summary;
        let bytes = summary.compiler.bytes + summary.stdout.bytes + summary.stderr.bytes;
        if (self.chunks, self.bytes) != (summary.chunks, bytes) {
            return Verdict::Wrong(format!(
                "the row tells of {} chunks and {} bytes, the body has {} and {bytes}",
                self.chunks, self.bytes, summary.chunks
            ));
        }
        if !self.complete {
            // As good as it gets, unless the log still has all of it.
            return match output.chunks {
                Some(_) => {
                    let problem = self.problem.unwrap_or("no reason given");
                    Verdict::Wrong(format!(
                        "incomplete, though the log has all of it: {problem}"
                    ))
                }
                None => Verdict::Same,
            };
        }
        if digest::of_value(summary) != output.summary || total.gap.is_some() {
            return Verdict::Differs(Box::new(total));
        }
        if output.chunks.is_some_and(|chunks| chunks != total.chunks) {
            let words = "the same output as in the log, but with other times or inputs";
            return Verdict::Wrong(words.to_owned());
        }
        Verdict::Same
    }

    fn unpack(&self, last_sequence: Option<u64>) -> std::io::Result<Total> {
        let mut recording = Recording::new(self.attempt);
        let lines = BufReader::new(zstd::stream::Decoder::new(self.body)?);
        for line in lines.lines() {
            let batch: OutputBatch = serde_json::from_str(&line?)?;
            recording.push(&batch);
        }
        Ok(recording.total(last_sequence))
    }
}

//! A row of `recordings`, whose body stands there or in the object store.

use std::io::{BufRead as _, BufReader};

use runlog_schemas::{ExecutionId, OutputBatch};
use tokio_postgres::Row;

use crate::book::Entry;
use crate::digest;
use crate::recording::{Recording, Total};
use crate::row::unsigned;

/// A row of `recordings`.
pub(crate) struct Stored<'a> {
    pub(crate) id: ExecutionId,
    attempt: u32,
    chunks: u64,
    bytes: u64,
    complete: bool,
    problem: Option<&'a str>,
    body: &'a [u8],
}

/// A row of `recordings` whose body stands in the object store.
pub(crate) struct Large {
    pub(crate) id: ExecutionId,
    attempt: u32,
    chunks: u64,
    bytes: u64,
    complete: bool,
    problem: Option<String>,
    pub(crate) object: String,
}

impl Large {
    pub(crate) fn with<'a>(&'a self, body: &'a [u8]) -> Stored<'a> {
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
pub(crate) enum Verdict {
    Same,
    Wrong(String),
    /// Not what the terminal event tells; what exactly, must be looked up.
    Differs(Box<Total>),
}

impl<'a> Stored<'a> {
    pub(crate) fn read(row: &'a Row) -> Result<Self, tokio_postgres::Error> {
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

    pub(crate) fn in_store(&self, object: String) -> Large {
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

    pub(crate) fn compare(&self, entry: &Entry) -> Verdict {
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

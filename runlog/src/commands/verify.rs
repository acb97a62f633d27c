//! `runlog verify`.

use std::collections::BTreeMap;

use clap::Args;
use runlog_nats::LogConfig;
use runlog_verify::{Checked, Finding, Options, Range, Report, Rule, verify};
use serde::Serialize;

use crate::config::{NatsConfig, Speech};
use crate::failure::{Failure, NO};
use crate::services::in_words;
use crate::writer::Writer;

/// The name under which the server lists this client.
const NAME: &str = "runlog-verify";

/// Check the log and the history against everything that Runlog promises
///
/// Reads all of the log and of the history and changes nothing; may run beside traffic. Prints one
/// line for each thing that is wrong: the rule, where it shows, and in what. With --json: one
/// document. Exits with 1 if anything is wrong.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Nothing is under way and no dead letter was dropped: whatever has not ended is wrong too
    #[arg(long)]
    settled: bool,
    #[command(flatten)]
    nats: NatsConfig,
    /// Address of the PostgreSQL database with the history; without it only the log is checked
    #[arg(
        long,
        env = "RUNLOG_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    #[command(flatten)]
    pub(crate) speech: Speech,
}

/// The answer in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    ok: bool,
    checked: &'a Checked,
    broken: &'a BTreeMap<Rule, u64>,
    findings: &'a [Finding],
}

impl VerifyArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let log = runlog_nats::Log::connect(&LogConfig::new(&self.nats.nats_url, NAME))
            .await
            .map_err(|error| Failure::Unavailable(in_words(&error)))?;
        let options = Options {
            database: self.database_url,
            settled: self.settled,
        };
        let report = verify(&log, &options).await.map_err(|error| {
            Failure::Unavailable(format!("cannot verify: {}", in_words(&error)))
        })?;
        if writer.wants_json() {
            writer.json(&Answer {
                ok: report.is_ok(),
                checked: &report.checked,
                broken: &report.broken,
                findings: &report.findings,
            })?;
        } else {
            print(&report, writer)?;
        }
        Ok(if report.is_ok() { 0 } else { NO })
    }
}

fn print(report: &Report, writer: &mut Writer) -> Result<(), Failure> {
    for finding in &report.findings {
        writer.line(&line(finding))?;
    }
    let kept = report.findings.len() as u64;
    if report.total() > kept {
        writer.line(&format!("and {} more", report.total() - kept))?;
    }
    for words in summary(&report.checked) {
        writer.say(&words);
    }
    writer.say(&match report.total() {
        0 => "everything holds".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        wrong => format!("{wrong} things are wrong"),
    });
    Ok(())
}

fn line(finding: &Finding) -> String {
    let mut line = format!("{} in {}", finding.rule.name(), finding.place);
    if let Some(sequence) = finding.sequence {
        line = format!("{line}, message {sequence}");
    }
    if let Some(id) = finding.execution {
        line = format!("{line}, execution {id}");
    }
    format!("{line}: {}", finding.words)
}

fn summary(checked: &Checked) -> Vec<String> {
    let range = |range: Range| format!("{} to {}", range.first, range.last);
    let mut lines = vec![
        format!(
            "log: {} events of {} executions ({} ended), messages {}",
            checked.events,
            checked.executions,
            checked.ended,
            range(checked.executions_range)
        ),
        format!(
            "recordings in the log: {} compared, {} have left it; {} messages, {}",
            checked.recordings,
            checked.recordings_gone,
            checked.batches,
            range(checked.output_range)
        ),
    ];
    lines.push(format!("programs that were shared: {}", checked.snippets));
    lines.push(match checked.checkpoint {
        None => "the history was not looked at: --database-url names none".to_owned(),
        Some(checkpoint) => format!(
            "history up to message {checkpoint}: {} rows and {} recordings compared, {} rows of \
             what has left the log, {} recordings still to be stored",
            checked.rows, checked.stored_recordings, checked.rows_gone, checked.recordings_due
        ),
    });
    lines
}

//! `runlog history`.

use clap::{Args, ValueEnum};
use runlog_schemas::Outcome;
use runlog_schemas::api::{ExecutionView, HistoryQuery, Status};

use crate::config::EdgeConfig;
use crate::ending;
use crate::failure::Failure;
use crate::table;
use crate::time::{self, Moment};
use crate::writer::{Writer, plain};

/// The most that an edge puts on one page.
pub(super) const PAGE: u64 = 200;

/// List executions, newest first
///
/// With --json: one line for each execution, as GET /v1/executions/{id} answers.
#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    filter: Filter,
    /// Only where they stand so
    #[arg(long, value_enum)]
    status: Option<Standing>,
    /// At most so many
    #[arg(long, short = 'n', default_value_t = 20, conflicts_with = "all")]
    limit: u64,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

/// Which executions.
#[derive(Args, Debug)]
pub(super) struct Filter {
    /// Only of this session
    #[arg(long)]
    session: Option<String>,
    /// Only in this language
    #[arg(long, short)]
    language: Option<String>,
    /// Only with this outcome
    #[arg(long, value_parser = Outcome::NAMES)]
    outcome: Option<String>,
    /// Only submitted since: 2h (before now), 2026-11-21, 2026-11-21T06:00:35Z (UTC)
    #[arg(long, value_name = "WHEN", value_parser = time::moment)]
    since: Option<Moment>,
    /// Only submitted before
    #[arg(long, value_name = "WHEN", value_parser = time::moment)]
    until: Option<Moment>,
}

/// Where an execution stands, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Standing {
    Queued,
    Running,
    Ended,
}

impl HistoryArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        let mut left = if self.all { u64::MAX } else { self.limit };
        let mut query = self.filter.query(time::now_ms());
        query.status = self.status.map(|it| match it {
            Standing::Queued => Status::Queued,
            Standing::Running => Status::Running,
            Standing::Ended => Status::Ended,
        });
        let mut rows = Vec::new();
        while left > 0 {
            query.limit = Some(left.min(PAGE));
            let page = client.list(&query).await?;
            left = left.saturating_sub(page.executions.len() as u64);
            for execution in &page.executions {
                if writer.wants_json() {
                    writer.json(execution)?;
                } else {
                    rows.push(row(execution));
                }
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        if !writer.wants_json() {
            let head = [
                "ID",
                "SUBMITTED",
                "LANGUAGE",
                "FILE",
                "OUTCOME",
                "TIME",
                "SESSION",
            ];
            for line in table::lines(head, &rows) {
                writer.line(&line)?;
            }
        }
        if query.after.is_some() {
            writer.say("there are more: --limit N or --all");
        }
        Ok(0)
    }
}

impl Filter {
    pub(super) fn query(&self, now_ms: u64) -> HistoryQuery {
        HistoryQuery {
            session: self.session.clone(),
            language: self.language.clone(),
            status: None,
            outcome: self.outcome.clone(),
            since_ms: self.since.map(|it| it.at_ms(now_ms)),
            until_ms: self.until.map(|it| it.at_ms(now_ms)),
            after: None,
            limit: None,
        }
    }
}

fn row(execution: &ExecutionView) -> [String; 7] {
    let ended = match (&execution.outcome, execution.status) {
        (Some(it), _) => outcome(it),
        (None, Status::Queued) => "(queued)".to_owned(),
        (None, _) => "(running)".to_owned(),
    };
    let used = execution.measurements.as_ref();
    let took = used.map(|it| ending::seconds(std::time::Duration::from_micros(it.wall_us)));
    [
        execution.id.to_string(),
        time::utc(execution.submitted_at_ms),
        execution.language.clone(),
        plain(&execution.entry),
        ended,
        took.unwrap_or_default(),
        execution.session.clone().unwrap_or_default(),
    ]
}

/// An outcome in a word or two.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited {code}"),
        Outcome::Signaled { signal } => format!("signal {signal}"),
        other => other.name().replace('_', " "),
    }
}

//! `runlog dlq`.

use clap::{Args, Subcommand};
use runlog_client::Client;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{
    DeadLetterAction, DeadLetterQuery, DeadLetterReport, DeadLetterSelection, DeadLetterView,
};

use crate::config::{EdgeConfig, Speech};
use crate::failure::{Failure, OURS};
use crate::table;
use crate::time::{self, Moment};
use crate::writer::{Writer, plain};

/// The most that an edge puts on one page.
const PAGE: u64 = 200;

/// Look at what was given up through our fault, try it again or drop it
#[derive(Args, Debug)]
pub(crate) struct DlqArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List dead letters, the oldest first
    ///
    /// With --json: one line for each, as GET /v1/dead-letters/{id} answers.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Only those that were not tried again
        #[arg(long)]
        open: bool,
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: u64,
        #[command(flatten)]
        edge: EdgeConfig,
    },
    /// Show one with every attempt
    ///
    /// With --json: one document, as GET /v1/dead-letters/{id} answers.
    Show {
        /// The execution that was given up
        id: ExecutionId,
        #[command(flatten)]
        edge: EdgeConfig,
    },
    /// Try one again, or all that fit, each as an execution of its own
    ///
    /// With --json: one document; for one letter as POST /v1/dead-letters/{id}/redrive answers,
    /// for many as POST /v1/dead-letters/redrive does.
    Redrive(Selected),
    /// Drop one, or all that fit; the executions stay as they are
    ///
    /// With --json: one document for many, as POST /v1/dead-letters/drop answers.
    Drop(Selected),
}

/// Which letters.
#[derive(Args, Debug)]
struct Filter {
    /// Only in this language
    #[arg(long, short)]
    language: Option<String>,
    /// Only with this text in the reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only given up since: 2h (before now), 2026-11-21, 2026-11-21T06:00:35Z (UTC)
    #[arg(long, value_name = "WHEN", value_parser = time::moment)]
    since: Option<Moment>,
    /// Only given up before; 2h means: at least two hours old
    #[arg(long, value_name = "WHEN", value_parser = time::moment, visible_alias = "older-than")]
    until: Option<Moment>,
}

/// One letter, or all that fit.
#[derive(Args, Debug)]
struct Selected {
    /// One: the execution that was given up
    #[arg(required_unless_present_any = ["language", "reason", "since", "until", "all"],
        conflicts_with_all = ["language", "reason", "since", "until", "all", "dry_run"])]
    id: Option<ExecutionId>,
    #[command(flatten)]
    filter: Filter,
    /// Every letter, without a filter
    #[arg(long, conflicts_with_all = ["language", "reason", "since", "until"])]
    all: bool,
    /// Only say which ones they are
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    edge: EdgeConfig,
}

impl DlqArgs {
    pub(crate) const fn speech(&self) -> Speech {
        match &self.action {
            Action::List { edge, .. } | Action::Show { edge, .. } => edge.speech,
            Action::Redrive(it) | Action::Drop(it) => it.edge.speech,
        }
    }

    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        match self.action {
            Action::List {
                filter,
                open,
                limit,
                edge,
            } => list(&edge.client(), &filter, (open, limit), writer).await,
            Action::Show { id, edge } => show(&edge.client(), id, writer).await,
            Action::Redrive(it) => it.redrive(writer).await,
            Action::Drop(it) => it.drop(writer).await,
        }
    }
}

async fn list(
    client: &Client,
    filter: &Filter,
    (open, mut left): (bool, u64),
    writer: &mut Writer,
) -> Result<u8, Failure> {
    let now_ms = time::now_ms();
    let mut query = DeadLetterQuery {
        language: filter.language.clone(),
        reason: filter.reason.clone(),
        since_ms: filter.since.map(|it| it.at_ms(now_ms)),
        until_ms: filter.until.map(|it| it.at_ms(now_ms)),
        redriven: open.then_some(false),
        ..DeadLetterQuery::default()
    };
    let mut rows = Vec::new();
    while left > 0 {
        query.limit = Some(left.min(PAGE));
        let page = client.dead_letters(&query).await?;
        left = left.saturating_sub(page.letters.len() as u64);
        for letter in &page.letters {
            if writer.wants_json() {
                writer.json(letter)?;
            } else {
                rows.push(row(letter));
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
            "GIVEN UP",
            "LANGUAGE",
            "TRIED",
            "REASON",
            "TRIED AGAIN AS",
        ];
        for line in table::lines(head, &rows) {
            writer.line(&line)?;
        }
    }
    if query.after.is_some() {
        writer.say("there are more: --limit N");
    }
    Ok(0)
}

fn row(letter: &DeadLetterView) -> [String; 6] {
    let again = letter.redriven_as.map(|id| id.to_string());
    [
        letter.id.to_string(),
        time::utc(letter.at_ms),
        letter.language.clone(),
        letter.attempts.to_string(),
        plain(&letter.reason),
        again.unwrap_or_default(),
    ]
}

async fn show(client: &Client, id: ExecutionId, writer: &mut Writer) -> Result<u8, Failure> {
    let letter = client.dead_letter(id).await?;
    if writer.wants_json() {
        writer.json(&letter)?;
        return Ok(0);
    }
    writer.line(&format!("{} ({})", letter.id, letter.language))?;
    writer.line(&format!("given up {}", time::utc(letter.at_ms)))?;
    writer.line(&format!("reason   {}", plain(&letter.reason)))?;
    if let Some(again) = letter.redriven_as {
        writer.line(&format!("again as {again}"))?;
    }
    let attempts = letter.execution.map(|it| it.attempts).unwrap_or_default();
    let rows: Vec<_> = attempts
        .iter()
        .map(|it| {
            [
                it.number.to_string(),
                plain(&it.worker),
                time::utc(it.started_at_ms),
                plain(it.failure.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    for line in table::lines(["ATTEMPT", "WORKER", "BEGAN", "FAILURE"], &rows) {
        writer.line(&line)?;
    }
    Ok(0)
}

impl Selected {
    async fn redrive(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        if let Some(id) = self.id {
            let accepted = client.redrive(id).await?;
            if writer.wants_json() {
                writer.json(&accepted)?;
            } else {
                writer.line(&accepted.id.to_string())?;
            }
            return Ok(0);
        }
        let report = client.redrive_selected(&self.selection()).await?;
        tell(&report, "tried again", writer)
    }

    async fn drop(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        if let Some(id) = self.id {
            client.drop_dead_letter(id).await?;
            writer.say("dropped");
            return Ok(0);
        }
        let report = client.drop_selected(&self.selection()).await?;
        tell(&report, "dropped", writer)
    }

    fn selection(&self) -> DeadLetterSelection {
        let now_ms = time::now_ms();
        DeadLetterSelection {
            language: self.filter.language.clone(),
            reason: self.filter.reason.clone(),
            since_ms: self.filter.since.map(|it| it.at_ms(now_ms)),
            until_ms: self.filter.until.map(|it| it.at_ms(now_ms)),
            all: self.all,
            dry_run: self.dry_run,
            limit: None,
        }
    }
}

/// Tells what became of each; 125 where something could not be done.
fn tell(report: &DeadLetterReport, done: &str, writer: &mut Writer) -> Result<u8, Failure> {
    if writer.wants_json() {
        writer.json(report)?;
    } else {
        for letter in &report.letters {
            writer.line(&line(letter))?;
        }
    }
    let failed = report
        .letters
        .iter()
        .filter(|it| it.problem.is_some())
        .count();
    let count = report.letters.len() - failed;
    let would = if report.dry_run { "would be " } else { "" };
    writer.say(&format!("{count} {would}{done}, {failed} could not be"));
    if report.more {
        writer.say("there are more: say it again");
    }
    Ok(if failed > 0 { OURS } else { 0 })
}

fn line(letter: &DeadLetterAction) -> String {
    match (&letter.redriven_as, &letter.problem) {
        (_, Some(problem)) => format!("{}  {}", letter.id, plain(&problem.detail)),
        (Some(again), None) => format!("{}  {again}", letter.id),
        (None, None) => letter.id.to_string(),
    }
}

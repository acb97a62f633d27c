//! `runlog rerun`.

use std::time::Duration;

use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::{ExecutionView, RerunRequest, Status};
use runlog_schemas::{ExecutionId, Priority};

use super::history::{Filter, outcome};
use crate::comparison::{Comparison, StreamComparison};
use crate::config::EdgeConfig;
use crate::failure::{Failure, NO, OURS};
use crate::table;
use crate::time;
use crate::writer::{Writer, plain};

/// Time between two looks at an execution that runs again.
const LOOK: Duration = Duration::from_millis(100);

/// Run executions again and show what has become different
///
/// One by its id, or all of the history that fit. Exits with 0 where everything is the same, and
/// with 1 where something differs. With --json: one line for each, with both ids, outcomes, times
/// and the first difference of each stream.
#[derive(Args, Debug)]
pub(crate) struct RerunArgs {
    /// One: the execution to run again
    #[arg(required_unless_present_any = ["session", "language", "outcome", "since", "until"],
        conflicts_with_all = ["session", "language", "outcome", "since", "until", "limit"])]
    id: Option<ExecutionId>,
    #[command(flatten)]
    filter: Filter,
    /// At most so many, the newest first
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: u64,
    /// On that version of the toolchain (LANGUAGE@VERSION, as `runlog workers` lists them), or in
    /// another language
    #[arg(long, value_name = "LANGUAGE[@VERSION]")]
    against: Option<String>,
    /// The queue to wait in
    #[arg(long, default_value_t = Priority::Background, value_parser = super::program::priority)]
    priority: Priority,
    /// Only say which ones they are
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl RerunArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        let chosen = self.choose(&client).await?;
        if self.dry_run {
            for execution in &chosen {
                if writer.wants_json() {
                    writer.json(execution)?;
                } else {
                    writer.line(&execution.id.to_string())?;
                }
            }
            writer.say(&format!("{} would run again", chosen.len()));
            return Ok(0);
        }
        let mut begun = Vec::new();
        for execution in chosen {
            begun.push((self.begin(&client, &execution).await, execution));
        }
        let mut told = Told::default();
        for (again, execution) in begun {
            let compared = match again {
                Ok(again) => compare(&client, &execution, again).await,
                Err(failure) => Err(failure),
            };
            told.add(&execution, compared, writer)?;
        }
        told.finish(writer)
    }

    async fn choose(&self, client: &Client) -> Result<Vec<ExecutionView>, Failure> {
        if let Some(id) = self.id {
            let execution = client.get(id).await?;
            if execution.status != Status::Ended {
                let words = format!("{id} has not ended yet; there is nothing to compare with");
                return Err(Failure::Usage(words));
            }
            return Ok(vec![execution]);
        }
        let mut query = self.filter.query(time::now_ms());
        query.status = Some(Status::Ended);
        let mut chosen = Vec::new();
        while (chosen.len() as u64) < self.limit {
            query.limit = Some((self.limit - chosen.len() as u64).min(super::history::PAGE));
            let page = client.list(&query).await?;
            chosen.extend(page.executions);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        Ok(chosen)
    }

    /// Asks for it, again and again while the queue is full.
    async fn begin(&self, client: &Client, of: &ExecutionView) -> Result<ExecutionId, Failure> {
        let request = RerunRequest {
            against: self.against.clone(),
            priority: Some(self.priority),
            session: None,
        };
        loop {
            match client.rerun(of.id, &request).await {
                Ok(accepted) => return Ok(accepted.id),
                Err(error) => match error.retry_after() {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error.into()),
                },
            }
        }
    }
}

/// Waits for the end of the second and compares both.
async fn compare(
    client: &Client,
    before: &ExecutionView,
    again: ExecutionId,
) -> Result<Comparison, Failure> {
    let after = loop {
        let after = client.get(again).await?;
        if after.status == Status::Ended {
            break after;
        }
        tokio::time::sleep(LOOK).await;
    };
    let (first, second) = (client.output(before.id).await?, client.output(again).await?);
    Ok(Comparison::of((before, &first), (&after, &second)))
}

/// What is told about all of them.
#[derive(Default)]
struct Told {
    rows: Vec<[String; 6]>,
    details: Vec<String>,
    different: usize,
    failed: usize,
}

impl Told {
    fn add(
        &mut self,
        execution: &ExecutionView,
        compared: Result<Comparison, Failure>,
        writer: &mut Writer,
    ) -> Result<(), Failure> {
        let comparison = match compared {
            Ok(comparison) => comparison,
            Err(failure) => {
                self.failed += 1;
                writer.say(&format!("{}: {}", execution.id, failure.words()));
                return Ok(());
            }
        };
        self.different += usize::from(!comparison.same);
        if writer.wants_json() {
            return writer.json(&comparison);
        }
        self.rows.push(row(&comparison));
        for (name, stream) in [
            ("compiler", &comparison.compiler),
            ("stdout", &comparison.stdout),
            ("stderr", &comparison.stderr),
        ] {
            self.details.extend(detail(&comparison, name, stream));
        }
        Ok(())
    }

    fn finish(self, writer: &mut Writer) -> Result<u8, Failure> {
        if !writer.wants_json() {
            let head = ["ID", "AGAIN AS", "BEFORE", "AFTER", "TIME", "DIFFERENT"];
            let lines = table::lines(head, &self.rows);
            for line in lines.iter().chain(&self.details) {
                writer.line(line)?;
            }
        }
        Ok(match (self.failed, self.different) {
            (0, 0) => 0,
            (0, _) => NO,
            _ => OURS,
        })
    }
}

fn row(comparison: &Comparison) -> [String; 6] {
    let ended = |it: &Option<_>| it.as_ref().map_or_else(|| "?".to_owned(), outcome);
    let time = |it: Option<u64>| {
        let time = it.map(|it| crate::ending::seconds(Duration::from_micros(it)));
        time.unwrap_or_else(|| "?".to_owned())
    };
    let differences = comparison.differences();
    [
        comparison.id.to_string(),
        comparison.rerun.to_string(),
        ended(&comparison.outcome.before),
        ended(&comparison.outcome.after),
        format!(
            "{} → {}",
            time(comparison.wall_us.before),
            time(comparison.wall_us.after)
        ),
        if differences.is_empty() {
            "nothing".to_owned()
        } else {
            differences.join(", ")
        },
    ]
}

fn detail(comparison: &Comparison, name: &str, stream: &StreamComparison) -> Vec<String> {
    let Some(difference) = &stream.first_difference else {
        return Vec::new();
    };
    let side = |sign: char, text: &Option<String>| match text {
        Some(text) => format!("{sign} {}", plain(text.trim_end_matches('\n'))),
        None => format!("{sign} (nothing more)"),
    };
    vec![
        format!("{} {name}, line {}:", comparison.id, difference.line),
        side('-', &difference.text.before),
        side('+', &difference.text.after),
    ]
}

//! `runlog streams`.

use clap::{Args, Subcommand, ValueEnum};
use runlog_nats::streams::{self, Change, Kind, ObjectKind, Replicas, Wanted};
use runlog_nats::{Bounds, Log};
use runlog_schemas::subject::{DEAD_LETTERS, EXECUTIONS, OUTPUT};
use serde_json::{Value, json};

use crate::config::{LanguagesConfig, NatsConfig, Speech};
use crate::failure::Failure;
use crate::services::{self, failed};
use crate::writer::Writer;
use crate::{ending, table, time};

/// The name under which the server lists this client.
const NAME: &str = "runlog-streams";

/// The streams and queues of the log: make them, look at them
#[derive(Args, Debug)]
pub(crate) struct StreamsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Make or change them as this version needs them; refuses what would lose data
    ///
    /// With --json: one document with the changes. Exits with 1 if something was refused.
    Apply {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// How many servers keep a copy of every message
        #[arg(long, env = "RUNLOG_REPLICAS", value_enum, default_value_t = Copies::One)]
        replicas: Copies,
        #[command(flatten)]
        languages: LanguagesConfig,
        #[command(flatten)]
        nats: NatsConfig,
        #[command(flatten)]
        speech: Speech,
    },
    /// Show what each stream holds
    ///
    /// With --json: one document.
    Show {
        #[command(flatten)]
        nats: NatsConfig,
        #[command(flatten)]
        speech: Speech,
    },
}

/// How many servers keep a copy.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Copies {
    /// A single server
    #[value(name = "1")]
    One,
    /// A cluster of three
    #[value(name = "3")]
    Three,
}

impl StreamsArgs {
    pub(crate) const fn speech(&self) -> Speech {
        match &self.action {
            Action::Apply { speech, .. } | Action::Show { speech, .. } => *speech,
        }
    }

    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        match self.action {
            Action::Apply {
                dry_run,
                replicas,
                languages,
                nats,
                speech: _,
            } => {
                let catalog = services::read_catalog(languages.languages.as_deref())?;
                let log = services::connect(&nats.nats_url, NAME).await?;
                let replicas = match replicas {
                    Copies::One => Replicas::One,
                    Copies::Three => Replicas::Three,
                };
                let wanted = Wanted::of(&services::ids(&catalog), replicas);
                let changes = change(&log, &wanted, dry_run).await?;
                report(&changes, dry_run, writer)?;
                let refused = changes.iter().any(|it| it.kind == Kind::Refuse);
                Ok(u8::from(refused))
            }
            Action::Show { nats, speech: _ } => {
                let log = services::connect(&nats.nats_url, NAME).await?;
                show(&log, writer).await?;
                Ok(0)
            }
        }
    }
}

/// Makes or changes the streams.
pub(super) async fn change(
    log: &Log,
    wanted: &Wanted,
    dry_run: bool,
) -> Result<Vec<Change>, Failure> {
    streams::apply(log, wanted, dry_run, time::now_ms())
        .await
        .map_err(|error| failed("", &error))
}

fn report(changes: &[Change], dry_run: bool, writer: &mut Writer) -> Result<(), Failure> {
    if writer.wants_json() {
        let changes: Vec<_> = changes.iter().map(as_json).collect();
        return writer.json(&json!({ "dry_run": dry_run, "changes": changes }));
    }
    for change in changes {
        writer.line(&change.to_string())?;
    }
    writer.say(match (changes.is_empty(), dry_run) {
        (true, _) => "everything is as it should be",
        (false, true) => "nothing was changed (--dry-run)",
        (false, false) => "done",
    });
    Ok(())
}

fn as_json(change: &Change) -> Value {
    let object = match change.object {
        ObjectKind::Stream => "stream",
        ObjectKind::Consumer => "consumer",
    };
    let kind = match change.kind {
        Kind::Create => "create",
        Kind::Update => "change",
        Kind::Refuse => "refuse",
    };
    json!({ "object": object, "name": change.wanted.name, "kind": kind, "details": change.words })
}

async fn show(log: &Log, writer: &mut Writer) -> Result<(), Failure> {
    let mut streams = Vec::new();
    for name in [EXECUTIONS, OUTPUT, DEAD_LETTERS] {
        let bounds = log.bounds(name).await;
        streams.push((name, bounds.map_err(|error| failed(name, &error))?));
    }
    if writer.wants_json() {
        let streams: Vec<_> = streams
            .iter()
            .map(|(name, it)| {
                json!({
                    "name": name,
                    "first_sequence": it.first_sequence,
                    "last_sequence": it.last_sequence,
                    "messages": it.messages,
                    "bytes": it.bytes,
                })
            })
            .collect();
        return writer.json(&json!({ "streams": streams }));
    }
    let rows: Vec<_> = streams.iter().map(|(name, it)| row(name, it)).collect();
    for line in table::lines(["STREAM", "MESSAGES", "SIZE", "FIRST", "LAST"], &rows) {
        writer.line(&line)?;
    }
    Ok(())
}

fn row(name: &str, bounds: &Bounds) -> [String; 5] {
    [
        name.to_owned(),
        bounds.messages.to_string(),
        ending::bytes(bounds.bytes),
        bounds.first_sequence.to_string(),
        bounds.last_sequence.to_string(),
    ]
}

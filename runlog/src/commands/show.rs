//! `runlog show ID`.

use clap::Args;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{ExecutionView, Status};

use crate::config::EdgeConfig;
use crate::ending;
use crate::failure::Failure;
use crate::time;
use crate::writer::{Writer, plain};

/// Show what is known of an execution
///
/// With --json: one document, as GET /v1/executions/{id} answers. What it printed is shown by
/// `watch` and `replay`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The execution's id
    id: ExecutionId,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl ShowArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let execution = self.edge.client().get(self.id).await?;
        if writer.wants_json() {
            writer.json(&execution)?;
            return Ok(0);
        }
        for (name, value) in facts(&execution) {
            writer.line(&format!("{name:<12}{}", plain(&value)))?;
        }
        Ok(0)
    }
}

fn facts(execution: &ExecutionView) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("id", execution.id.to_string()),
        ("status", status(execution)),
        ("language", execution.language.clone()),
        ("file", execution.entry.clone()),
        ("queue", execution.priority.to_string()),
    ];
    let version = execution.toolchain_version.clone();
    facts.extend(version.map(|it| ("version", it)));
    for (name, other) in [
        ("rerun of", execution.rerun_of),
        ("redrive of", execution.redrive_of),
        ("redriven as", execution.redriven_as),
    ] {
        facts.extend(other.map(|it| (name, it.to_string())));
    }
    facts.extend(execution.session.clone().map(|it| ("session", it)));
    facts.push(("submitted", time::utc(execution.submitted_at_ms)));
    facts.extend(execution.started_at_ms.map(|it| ("started", time::utc(it))));
    facts.extend(execution.ended_at_ms.map(|it| ("ended", time::utc(it))));
    if let Some(used) = &execution.measurements {
        let queued = std::time::Duration::from_micros(used.queued_us);
        let cell = if used.warm { "waiting" } else { "made for it" };
        facts.push(("in queue", ending::seconds(queued)));
        facts.push(("sandbox", format!("{}, {cell}", used.engine)));
    }
    if let Some(output) = &execution.output {
        let (out, err) = (output.stdout.bytes, output.stderr.bytes);
        let (out, err) = (ending::bytes(out), ending::bytes(err));
        let cut = if output.cut { ", cut off" } else { "" };
        facts.push(("output", format!("{out} on stdout, {err} on stderr{cut}")));
    }
    for attempt in &execution.attempts {
        let failure = attempt.failure.as_ref();
        let failure = failure.map_or_else(String::new, |it| format!(": {it}"));
        let began = time::utc(attempt.started_at_ms);
        let text = format!("{} on {}, {began}{failure}", attempt.number, attempt.worker);
        facts.push(("attempt", text));
    }
    facts
}

fn status(execution: &ExecutionView) -> String {
    match execution.status {
        Status::Queued => "queued".to_owned(),
        Status::Running if execution.cancelling => "running, its end was asked for".to_owned(),
        Status::Running => "running".to_owned(),
        Status::Ended => ending::words(execution),
    }
}

//! `runlog workers`.

use clap::Args;
use runlog_schemas::WorkerReport;

use crate::config::EdgeConfig;
use crate::failure::Failure;
use crate::table;
use crate::time;
use crate::writer::{Writer, plain};

/// List the workers that are alive, with their slots and languages
///
/// With --json: one document, as GET /v1/workers answers.
#[derive(Args, Debug)]
pub(crate) struct WorkersArgs {
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl WorkersArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let workers = self.edge.client().workers().await?;
        if writer.wants_json() {
            writer.json(&workers)?;
            return Ok(0);
        }
        let now_ms = time::now_ms();
        let rows: Vec<_> = workers.workers.iter().map(|it| row(it, now_ms)).collect();
        let head = [
            "NAME",
            "STATE",
            "FREE",
            "ENGINE",
            "MEMORY",
            "HEARD",
            "LANGUAGES",
        ];
        for line in table::lines(head, &rows) {
            writer.line(&line)?;
        }
        for worker in workers
            .workers
            .iter()
            .filter(|it| !it.missing_layers.is_empty())
        {
            let missing = worker.missing_layers.join(", ");
            writer.say(&format!("{} runs without {missing}", plain(&worker.name)));
        }
        Ok(0)
    }
}

fn row(worker: &WorkerReport, now_ms: u64) -> [String; 7] {
    let languages: Vec<_> = worker
        .languages
        .iter()
        .map(|it| match &it.version {
            Some(version) => format!("{}@{}", it.id, plain(version)),
            None => it.id.clone(),
        })
        .collect();
    let gigabytes = |bytes: u64| bytes >> 30;
    [
        plain(&worker.name),
        if worker.draining { "draining" } else { "ready" }.to_owned(),
        format!("{}/{}", worker.free_slots, worker.slots),
        worker.engine.clone(),
        format!(
            "{}/{} GiB",
            gigabytes(worker.available_memory_bytes),
            gigabytes(worker.memory_bytes)
        ),
        time::ago(worker.at_ms, now_ms),
        languages.join(" "),
    ]
}

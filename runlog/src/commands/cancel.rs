//! `runlog cancel ID`.

use clap::Args;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::Status;

use crate::config::EdgeConfig;
use crate::ending;
use crate::failure::Failure;
use crate::writer::Writer;

/// End an execution, in the queue or while it runs
///
/// With --json: the execution as one document. Exits with 1 if it has ended already.
#[derive(Args, Debug)]
pub(crate) struct CancelArgs {
    /// The execution's id
    id: ExecutionId,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl CancelArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let execution = self.edge.client().cancel(self.id).await?;
        if writer.wants_json() {
            writer.json(&execution)?;
        }
        match execution.status {
            Status::Ended => writer.say(&ending::words(&execution)),
            Status::Queued | Status::Running => writer.say("asked to end; `runlog watch` shows it"),
        }
        Ok(0)
    }
}

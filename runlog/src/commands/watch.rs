//! `runlog watch ID`.

use clap::Args;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::ExecutionView;

use crate::config::EdgeConfig;
use crate::failure::Failure;
use crate::writer::Writer;
use crate::{ending, live};

/// Show what an execution prints, from its beginning to its end, and exit as it did
///
/// With --json: one line for each message of its event stream; the last one has the outcome.
#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// The execution's id
    id: ExecutionId,
    /// Go on behind this cursor of an earlier message
    #[arg(long, value_name = "CURSOR")]
    from: Option<runlog_schemas::Cursor>,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl WatchArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let from = self.from.map(|it| it.to_string());
        let mut events = self.edge.client().events(self.id, from);
        while let Some(message) = events.next().await {
            if let Some(execution) = live::show(&message?, writer)? {
                return Ok(ended(&execution, writer));
            }
        }
        Err(Failure::Service(
            "the stream ended before the run".to_owned(),
        ))
    }
}

/// Says how it ended, and gives the exit code.
pub(super) fn ended(execution: &ExecutionView, writer: &mut Writer) -> u8 {
    writer.say(&format!("{} [{}]", ending::words(execution), execution.id));
    execution
        .outcome
        .as_ref()
        .map_or(crate::failure::OURS, ending::exit_code)
}

//! `runlog submit FILE...`.

use clap::Args;
use runlog_schemas::Priority;

use super::program::{Program, read_bytes};
use crate::config::EdgeConfig;
use crate::failure::Failure;
use crate::writer::Writer;

/// Send a program and print its id, without waiting for it
///
/// With --json: one document with the id and its links.
#[derive(Args, Debug)]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    program: Program,
    /// The program's standard input; - is our own
    #[arg(long, value_name = "FILE")]
    stdin: Option<String>,
    /// The queue to wait in
    #[arg(long, default_value_t = Priority::Api, value_parser = super::program::priority)]
    priority: Priority,
    /// Sending the same program again with the same key gives the same execution
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl SubmitArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        let mut request = self.program.request(&client).await?;
        request.priority = self.priority;
        if let Some(path) = &self.stdin {
            request.stdin_data = Some(runlog_schemas::Data(read_bytes(path)?));
        }
        let accepted = client.submit(&request, self.key.as_deref()).await?;
        if writer.wants_json() {
            writer.json(&accepted)?;
        } else {
            writer.line(&accepted.id.to_string())?;
        }
        Ok(0)
    }
}

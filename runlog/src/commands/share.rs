//! `runlog share FILE...|ID`.

use std::path::Path;

use clap::Args;
use runlog_schemas::api::SnippetRequest;
use runlog_schemas::{Data, ExecutionId};

use super::program::{Program, read_bytes};
use crate::config::EdgeConfig;
use crate::failure::Failure;
use crate::writer::Writer;

/// Share a program for good and print its link
///
/// Who has the link sees the program and, where there is one, the recording; nobody can change it.
/// With the id of an execution in the place of files: its program, with its recording.
///
/// With --json: one document with the id and its links.
#[derive(Args, Debug)]
pub(crate) struct ShareArgs {
    #[command(flatten)]
    program: Program,
    /// What to call it
    #[arg(long)]
    title: Option<String>,
    /// The execution whose recording is shown beside the files
    #[arg(long, value_name = "ID")]
    execution: Option<ExecutionId>,
    /// The program's standard input; - is our own
    #[arg(long, value_name = "FILE")]
    stdin: Option<String>,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl ShareArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        let is_bare = self.program.is_bare() && self.execution.is_none() && self.stdin.is_none();
        let mut request = match self.shared_execution() {
            Some(id) if is_bare => SnippetRequest {
                execution_id: Some(id),
                ..SnippetRequest::default()
            },
            Some(_) => {
                let words = "an execution is shared as it ran; only --title goes with its id";
                return Err(Failure::Usage(words.to_owned()));
            }
            None => {
                let mut program = self.program.request(&client).await?;
                if program.session.is_some() {
                    let words = "what is shared belongs to no session";
                    return Err(Failure::Usage(words.to_owned()));
                }
                if let Some(path) = &self.stdin {
                    program.stdin_data = Some(Data(read_bytes(path)?));
                }
                SnippetRequest {
                    execution_id: self.execution,
                    ..SnippetRequest::of_program(program)
                }
            }
        };
        request.title.clone_from(&self.title);
        let created = client.share(&request).await?;
        if writer.wants_json() {
            writer.json(&created)?;
        } else {
            writer.line(&client.base().http(&created.links.page))?;
        }
        Ok(0)
    }

    /// The execution that is named in the place of files. A file that is called so goes before.
    fn shared_execution(&self) -> Option<ExecutionId> {
        let word = self.program.only_file()?;
        let id = word.parse().ok()?;
        (!Path::new(word).exists()).then_some(id)
    }
}

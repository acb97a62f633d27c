//! What a viewer's messages look like on the command line.

use runlog_schemas::api::{ExecutionView, Status, ViewerMessage};
use runlog_schemas::{Chunk, ChunkKind};

use crate::failure::Failure;
use crate::writer::Writer;

/// Shows a message; gives the execution back with its terminal event.
pub(crate) fn show(
    message: &ViewerMessage,
    writer: &mut Writer,
) -> Result<Option<Box<ExecutionView>>, Failure> {
    if writer.wants_json() {
        writer.json(message)?;
    }
    match message {
        ViewerMessage::Event {
            execution, name, ..
        } => {
            if let Some(words) = news(name, execution) {
                writer.say(&words);
            }
            if execution.status == Status::Ended {
                return Ok(Some(execution.clone()));
            }
        }
        ViewerMessage::Output { batch, .. } if !writer.wants_json() => {
            for chunk in &batch.chunks {
                chunk_of_output(chunk, writer)?;
            }
        }
        // Refused requests are the business of whoever made them.
        ViewerMessage::Output { .. }
        | ViewerMessage::Error { .. }
        | ViewerMessage::Resume { .. } => {}
    }
    Ok(None)
}

fn chunk_of_output(chunk: &Chunk, writer: &mut Writer) -> Result<(), Failure> {
    if let Some((stream, bytes)) = chunk.what.output() {
        writer.program(stream, bytes)?;
    } else if chunk.what == ChunkKind::Cut {
        writer.say("the output limit was met: what it writes from here on is not kept");
    }
    Ok(())
}

/// What has to be said beside the program's own output: only what makes it count no longer.
fn news(name: &str, execution: &ExecutionView) -> Option<String> {
    let lost = execution.attempts.iter().rfind(|it| it.failure.is_some())?;
    let why = lost.failure.as_deref()?;
    match name {
        "retried" => Some(format!(
            "our fault, not your program's: attempt {} came to nothing ({why}); it is tried again",
            lost.number
        )),
        "started" => Some(format!(
            "attempt {} begins ({why}); what was printed above no longer counts",
            lost.number + 1
        )),
        _ => None,
    }
}

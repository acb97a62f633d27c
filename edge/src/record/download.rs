//! The bytes of one stream of a large recording, sent while they are read.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use runlog_schemas::{ExecutionId, OutputBatch, OutputStream};
use tokio::sync::mpsc;

use super::{Stored, stored};
use crate::error::EdgeError;
use crate::state::Edge;

/// Batches that may wait for a reader that is slower than we are.
const AHEAD: usize = 4;

/// A recording of so much output, in bytes, is worth it.
const LARGE_BYTES: u64 = 1 << 20;

/// A download that has begun.
pub(crate) struct Download {
    /// How many bytes it has, as the terminal event says.
    pub(crate) length: u64,
    pieces: mpsc::Receiver<Result<Bytes, io::Error>>,
}

/// Begins to read the stream of an execution that has ended, where it is large and kept. What is
/// lost before the first byte is an error; where a part is lost later, the download breaks off.
///
/// # Errors
/// When nobody knows the execution, who may know it does not answer, or its output is lost.
pub(crate) async fn download(
    edge: &Arc<Edge>,
    id: ExecutionId,
    of: OutputStream,
) -> Result<Option<Download>, EdgeError> {
    let execution = super::find(edge, id).await?;
    let Some(output) = execution.end().and_then(|end| end.output.as_ref()) else {
        return Ok(None);
    };
    let sizes = [&output.compiler, &output.stdout, &output.stderr].map(|it| it.bytes);
    if sizes.iter().sum::<u64>() < LARGE_BYTES {
        return Ok(None);
    }
    // One that is not whole is put together from what is left, as small ones are.
    let Some(mut stored) = stored(edge, id, true).await? else {
        return Ok(None);
    };
    let first = stored.next().await?;
    let (send, pieces) = mpsc::channel(AHEAD);
    edge.tracker.spawn(feed(first, stored, of, send));
    let length = match of {
        OutputStream::Compiler => sizes[0],
        OutputStream::Stdout => sizes[1],
        OutputStream::Stderr => sizes[2],
    };
    Ok(Some(Download { length, pieces }))
}

async fn feed(
    first: Option<OutputBatch>,
    mut stored: Stored,
    of: OutputStream,
    send: mpsc::Sender<Result<Bytes, io::Error>>,
) {
    let mut next = Ok(first);
    loop {
        let piece = match next {
            Ok(Some(batch)) => Ok(bytes(&batch, of)),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a download breaks off"
                );
                Err(io::Error::other(error))
            }
        };
        let ends = piece.is_err();
        // Whoever has gone needs no more.
        if send.send(piece).await.is_err() || ends {
            return;
        }
        next = stored.next().await;
    }
}

fn bytes(batch: &OutputBatch, of: OutputStream) -> Bytes {
    let outputs = batch.chunks.iter().filter_map(|chunk| chunk.what.output());
    outputs
        .filter(|(stream, _)| *stream == of)
        .flat_map(|(_, bytes)| bytes.iter().copied())
        .collect()
}

impl Download {
    /// What it sends.
    pub(crate) fn into_pieces(self) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + Sync {
        let mut pieces = self.pieces;
        stream::poll_fn(move |context| pieces.poll_recv(context))
    }
}

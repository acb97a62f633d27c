//! A large recording, told while it is read: what is in memory does not depend on how much there is.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use runlog_schemas::{Chunk, Execution, ExecutionId, OutputSummary};
use tokio::sync::mpsc;

use super::{Stored, stored};
use crate::error::EdgeError;
use crate::state::Edge;

/// Pieces that may wait for a reader that is slower than we are.
const AHEAD: usize = 4;

/// A recording of so much output, in bytes, is worth it.
const LARGE_BYTES: u64 = 1 << 20;

/// A reading of a large recording that is kept whole.
pub(crate) struct Large {
    edge: Arc<Edge>,
    id: ExecutionId,
    execution: Execution,
    output: OutputSummary,
    stored: Stored,
    /// What has been read and not handed out.
    first: Option<Vec<Chunk>>,
}

/// Why a telling ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Nobody listens any more.
    Gone,
    /// A part is lost, or cannot be read.
    Broken(EdgeError),
}

impl From<EdgeError> for Stopped {
    fn from(error: EdgeError) -> Self {
        Self::Broken(error)
    }
}

/// Takes what is told.
pub(super) struct Listener(mpsc::Sender<Result<Bytes, io::Error>>);

impl Listener {
    /// Hands over a piece; waits for a reader that is slow.
    pub(super) async fn hear(&self, piece: impl Into<Bytes>) -> Result<(), Stopped> {
        let piece = piece.into();
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| Stopped::Gone)
    }
}

/// The body of an answer that is told. It breaks off where a part turns out to be lost.
pub(crate) type Told = std::pin::Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>;

impl Large {
    /// Begins to read what an execution that has ended wrote, where that is much and kept whole.
    /// What is lost before the first of it is an error.
    ///
    /// # Errors
    /// When who may know it does not answer, or its output is lost.
    pub(super) async fn open(
        edge: &Arc<Edge>,
        id: ExecutionId,
        execution: &Execution,
    ) -> Result<Option<Self>, EdgeError> {
        let Some(output) = execution.end().and_then(|end| end.output.clone()) else {
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
        let first = stored.next().await?.map(|batch| batch.chunks);
        Ok(Some(Self {
            edge: Arc::clone(edge),
            id,
            execution: execution.clone(),
            output,
            stored,
            first,
        }))
    }

    /// The execution's id.
    pub(super) const fn id(&self) -> ExecutionId {
        self.id
    }

    /// The execution.
    pub(crate) const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// What its output comes to.
    pub(super) const fn output(&self) -> &OutputSummary {
        &self.output
    }

    /// What happened next; `None` at the end.
    ///
    /// # Errors
    /// When a part is lost, the store does not answer, or what is kept cannot be read.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Chunk>>, EdgeError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => Ok(self.stored.next().await?.map(|batch| batch.chunks)),
        }
    }

    /// Begins anew.
    ///
    /// # Errors
    /// As [`Large::open`].
    pub(super) async fn rewind(&mut self) -> Result<(), EdgeError> {
        let again = stored(&self.edge, self.id, true).await?;
        self.stored = again.ok_or(EdgeError::OutputLost)?;
        self.first = None;
        Ok(())
    }

    /// Tells it, in whatever way, to whoever reads the answer.
    pub(super) fn tell<F>(self, telling: impl FnOnce(Self, Listener) -> F) -> Told
    where
        F: Future<Output = Result<(), Stopped>> + Send + 'static,
    {
        let (send, mut pieces) = mpsc::channel(AHEAD);
        let tracker = self.edge.tracker.clone();
        let told = telling(self, Listener(send.clone()));
        tracker.spawn(async move {
            if let Err(Stopped::Broken(error)) = told.await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an answer breaks off"
                );
                // Whoever has gone needs no more.
                let _ = send.send(Err(io::Error::other(error))).await;
            }
        });
        Box::pin(stream::poll_fn(move |context| pieces.poll_recv(context)))
    }
}

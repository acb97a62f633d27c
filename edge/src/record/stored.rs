//! A recording that is kept, read batch by batch.

use bytes::Bytes;
use runlog_nats::{ObjectError, ObjectReader};
use runlog_schemas::{Chunk, ExecutionId, OutputBatch};

use super::unpack::Unpacker;
use crate::error::EdgeError;
use crate::history::HistoryError;

/// A reading of a recording. What it has in memory does not depend on how much there is.
pub(crate) struct Stored {
    id: ExecutionId,
    source: Source,
    unpacker: Unpacker,
}

enum Source {
    Row(Option<Bytes>),
    Object(Box<ObjectReader>),
}

impl Stored {
    /// Out of a row.
    pub(crate) fn in_row(id: ExecutionId, body: Vec<u8>) -> Result<Self, EdgeError> {
        Self::new(id, Source::Row(Some(body.into())))
    }

    /// Out of the object store.
    pub(crate) fn in_store(id: ExecutionId, object: ObjectReader) -> Result<Self, EdgeError> {
        Self::new(id, Source::Object(Box::new(object)))
    }

    fn new(id: ExecutionId, source: Source) -> Result<Self, EdgeError> {
        Ok(Self {
            id,
            source,
            unpacker: Unpacker::new().map_err(|error| broken(id, &error))?,
        })
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// When the store does not answer or has lost a part, or what is kept cannot be read.
    pub(crate) async fn next(&mut self) -> Result<Option<OutputBatch>, EdgeError> {
        loop {
            let batch = self.unpacker.next_batch();
            if let Some(batch) = batch.map_err(|error| broken(self.id, &error))? {
                return Ok(Some(batch));
            }
            match self.next_piece().await? {
                Some(piece) => self.unpacker.push(piece),
                None if self.unpacker.is_through() => return Ok(None),
                None => return Err(broken(self.id, &"it ends too early")),
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Stored::next`].
    pub(crate) async fn rest(mut self) -> Result<Vec<Chunk>, EdgeError> {
        let mut chunks = Vec::new();
        while let Some(batch) = self.next().await? {
            chunks.extend(batch.chunks);
        }
        Ok(chunks)
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, EdgeError> {
        match &mut self.source {
            Source::Row(body) => Ok(body.take()),
            Source::Object(object) => Ok(object.next_piece().await?),
        }
    }
}

impl From<ObjectError> for EdgeError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Lost => Self::OutputLost,
            ObjectError::Request(error) => error.into(),
        }
    }
}

fn broken(id: ExecutionId, error: &impl std::fmt::Display) -> EdgeError {
    EdgeError::from(HistoryError::Broken {
        about: id.to_string(),
        message: error.to_string(),
    })
}

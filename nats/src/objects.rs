//! Recordings that are too large for a row: an object store, which is a stream with a bucket's
//! subjects.
//!
//! An object is named by its content, so putting one again changes nothing.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::object_store::{
    GetErrorKind, InfoErrorKind, ObjectMetadata, ObjectStore,
};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::{Log, RequestError};

/// The bucket's name.
const BUCKET: &str = "RECORDINGS";
/// The stream that holds it.
#[cfg(test)]
pub(crate) const STREAM: &str = "OBJ_RECORDINGS";
/// Its subjects.
#[cfg(test)]
pub(crate) const SUBJECTS: [&str; 2] = ["$O.RECORDINGS.C.>", "$O.RECORDINGS.M.>"];

/// Bytes of one message of an object.
const PIECE_BYTES: usize = 128 << 10;
/// How long the next piece of an object may take.
const PIECE_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that are taken out of a piece at once.
const READ_BYTES: usize = 64 << 10;

impl Log {
    /// Puts an object under a name that stands for its content. What is there already is taken
    /// as it.
    ///
    /// # Errors
    /// When the store does not take it: it is full, or away.
    pub async fn put_object(&self, name: &str, content: &[u8]) -> Result<(), RequestError> {
        let store = self.objects().await?;
        match store.info(name).await {
            Ok(info) if info.size == content.len() && !info.deleted => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == InfoErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(&error)),
        }
        let meta = ObjectMetadata {
            name: name.to_owned(),
            chunk_size: Some(PIECE_BYTES),
            ..ObjectMetadata::default()
        };
        let mut content = content;
        let put = store.put(meta, &mut content).await;
        put.map(|_| ()).map_err(|error| unavailable(&error))
    }

    /// Reads an object; `None` where the store does not have it, or no longer all of it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read_object(&self, name: &str) -> Result<Option<Vec<u8>>, RequestError> {
        let store = self.objects().await?;
        let mut object = match store.get(name).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        let size = object.info().size;
        let mut content = Vec::with_capacity(size);
        let mut piece = vec![0; READ_BYTES];
        while content.len() < size {
            match timeout(PIECE_PATIENCE, object.read(&mut piece)).await {
                Ok(Ok(0)) => return Ok(None),
                Ok(Ok(count)) => content.extend_from_slice(&piece[..count]),
                // The hash differs, or a piece is not there any more.
                Ok(Err(error)) => {
                    tracing::warn!(%error, name, "an object cannot be read");
                    return Ok(None);
                }
                Err(_) if self.is_connected() => return Ok(None),
                Err(_) => return Err(RequestError::Unavailable("no answer in time".to_owned())),
            }
        }
        Ok(Some(content))
    }

    async fn objects(&self) -> Result<ObjectStore, RequestError> {
        if !self.is_connected() {
            return Err(RequestError::Unavailable("not connected".to_owned()));
        }
        let context = jetstream::new(self.client().clone());
        let store = context.get_object_store(BUCKET).await;
        store.map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &dyn std::error::Error) -> RequestError {
    let source = error.source().map(|source| format!(": {source}"));
    RequestError::Unavailable(format!("{error}{}", source.unwrap_or_default()))
}

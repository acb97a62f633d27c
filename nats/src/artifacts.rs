//! What compilers made of submissions, kept for all workers: an object store bucket, in which each
//! object has the digest of all that went into it as its name. The bucket is bounded and forgets the
//! oldest; a part of an object may be gone before the rest.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::object_store::{InfoErrorKind, ObjectStore};
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::Log;

/// The bucket.
const BUCKET: &str = "ARTIFACTS";
/// The stream behind it.
#[cfg(test)]
pub(crate) const STREAM: &str = "OBJ_ARTIFACTS";

/// How long anything here may take: compiling anew is the way out.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest object that is put or taken, in bytes.
pub const MOST_ARTIFACT_BYTES: usize = 16 << 20;

/// Why an object cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The store does not answer, or is full.
    #[error("the store of artifacts is unavailable: {0}")]
    Unavailable(String),
    /// The object is there, but not as it was put.
    #[error("the artifact is damaged: {0}")]
    Damaged(String),
}

/// The bucket of artifacts.
pub struct Artifacts {
    log: Log,
    store: OnceCell<ObjectStore>,
}

impl Log {
    /// The bucket of artifacts. Looks for it at its first use.
    #[must_use]
    pub fn artifacts(&self) -> Artifacts {
        Artifacts {
            log: self.clone(),
            store: OnceCell::new(),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> ArtifactError {
    ArtifactError::Unavailable(error.to_string())
}

fn damaged(error: impl std::fmt::Display) -> ArtifactError {
    ArtifactError::Damaged(error.to_string())
}

impl Artifacts {
    async fn store(&self) -> Result<&ObjectStore, ArtifactError> {
        if !self.log.is_connected() {
            // What the client would keep until there is a connection is not worth the wait.
            return Err(unavailable("not connected"));
        }
        let open = || async {
            let context = jetstream::new(self.log.client().clone());
            context.get_object_store(BUCKET).await
        };
        self.store.get_or_try_init(open).await.map_err(unavailable)
    }

    /// Takes an object out; `None` if there is none.
    ///
    /// # Errors
    /// When the store does not answer, and when the object is not whole.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, ArtifactError> {
        let store = timeout(PATIENCE, self.store())
            .await
            .map_err(unavailable)??;
        let info = match timeout(PATIENCE, store.info(name))
            .await
            .map_err(unavailable)?
        {
            Ok(info) if info.deleted => return Ok(None),
            Ok(info) => info,
            Err(error) if error.kind() == InfoErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        if info.size > MOST_ARTIFACT_BYTES {
            return Err(damaged(format!("it claims to have {} bytes", info.size)));
        }
        let read = async {
            let mut object = store.get(name).await.map_err(unavailable)?;
            let mut bytes = Vec::with_capacity(info.size);
            // The client compares the digest, but not the length.
            let most = MOST_ARTIFACT_BYTES as u64 + 1;
            let read = (&mut object).take(most).read_to_end(&mut bytes).await;
            read.map_err(damaged)?;
            Ok(bytes)
        };
        // Where all parts are gone nothing ever comes.
        let bytes = timeout(PATIENCE, read)
            .await
            .map_err(|_| damaged("its parts do not come"))??;
        if bytes.len() == info.size {
            Ok(Some(bytes.into()))
        } else {
            Err(damaged(format!("{} of {} bytes", bytes.len(), info.size)))
        }
    }

    /// Puts an object in, in place of one of the same name.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn put(&self, name: &str, bytes: &Bytes) -> Result<(), ArtifactError> {
        let put = async {
            let mut reader = &bytes[..];
            let store = self.store().await?;
            store.put(name, &mut reader).await.map_err(unavailable)
        };
        timeout(PATIENCE, put).await.map_err(unavailable)?.map(drop)
    }

    /// Removes an object.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn delete(&self, name: &str) -> Result<(), ArtifactError> {
        let delete = async {
            let store = self.store().await?;
            store.delete(name).await.map_err(unavailable)
        };
        timeout(PATIENCE, delete).await.map_err(unavailable)?
    }
}

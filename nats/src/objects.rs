//! Recordings that are too large for a row: an object store, which is a stream with a bucket's
//! subjects.
//!
//! An object is named by its content, so putting one again changes nothing.

use async_nats::jetstream;
use async_nats::jetstream::object_store::{
    DeleteErrorKind, InfoErrorKind, ObjectInfo, ObjectMetadata, ObjectStore,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::fetch::{PageLimit, Stored};
use crate::{Log, RequestError};

/// The bucket's name.
const BUCKET: &str = "RECORDINGS";
/// The stream that holds it.
pub(crate) const STREAM: &str = "OBJ_RECORDINGS";
/// Its subjects.
#[cfg(test)]
pub(crate) const SUBJECTS: [&str; 2] = ["$O.RECORDINGS.C.>", "$O.RECORDINGS.M.>"];

/// Bytes of one message of an object.
const PIECE_BYTES: usize = 128 << 10;
/// What is asked for at once, and so in memory: half a megabyte.
const PAGE: PageLimit = PageLimit {
    messages: 4,
    bytes: 4 * PIECE_BYTES,
};
/// How the digest in an object's description begins.
const DIGEST: &str = "SHA-256=";

/// Why an object cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The store no longer has all of it, or something else in its place.
    #[error("the object store has lost a part of it")]
    Lost,
    /// The store does not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// An object of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Its name.
    pub name: String,
    /// When it was put, in milliseconds since 1970.
    pub put_at_ms: u64,
}

/// Reads an object piece by piece, at the reader's pace: at most half a megabyte of it is in memory.
pub struct ObjectReader {
    log: Log,
    subject: String,
    /// What the description says of the whole.
    size: usize,
    digest: Option<String>,
    /// What has been read of it.
    read: usize,
    hash: Sha256,
    last: u64,
    page: std::vec::IntoIter<Stored>,
}

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

    /// Begins to read an object; `None` where the store does not have it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_object(&self, name: &str) -> Result<Option<ObjectReader>, RequestError> {
        let store = self.objects().await?;
        let info = match store.info(name).await {
            Ok(info) if info.deleted => return Ok(None),
            Ok(info) => info,
            Err(error) if error.kind() == InfoErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        Ok(Some(ObjectReader {
            log: self.clone(),
            subject: format!("$O.{BUCKET}.C.{}", info.nuid),
            size: info.size,
            digest: info.digest,
            read: 0,
            hash: Sha256::new(),
            last: 0,
            page: Vec::new().into_iter(),
        }))
    }

    /// Reads an object; `None` where the store does not have it, or no longer all of it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read_object(&self, name: &str) -> Result<Option<Vec<u8>>, RequestError> {
        let Some(mut object) = self.open_object(name).await? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        loop {
            match object.next_piece().await {
                Ok(Some(piece)) => content.extend_from_slice(&piece),
                Ok(None) => return Ok(Some(content)),
                Err(ObjectError::Lost) => {
                    tracing::warn!(name, "an object cannot be read");
                    return Ok(None);
                }
                Err(ObjectError::Request(error)) => return Err(error),
            }
        }
    }

    /// Every object that the store has.
    ///
    /// # Errors
    /// When the store does not answer, or holds a description that cannot be read.
    pub async fn list_objects(&self) -> Result<Vec<ObjectEntry>, RequestError> {
        let subject = format!("$O.{BUCKET}.M.>");
        let mut entries = Vec::new();
        let mut from = 1;
        loop {
            let page = self.page(STREAM, &subject, from, PageLimit::USUAL).await?;
            for stored in &page.messages {
                from = stored.sequence + 1;
                let info: ObjectInfo =
                    serde_json::from_slice(&stored.payload).map_err(RequestError::Malformed)?;
                if !info.deleted {
                    entries.push(ObjectEntry::of(info));
                }
            }
            if !page.more || page.messages.is_empty() {
                return Ok(entries);
            }
        }
    }

    /// Removes an object; without effect where there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_object(&self, name: &str) -> Result<(), RequestError> {
        let store = self.objects().await?;
        match store.delete(name).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == DeleteErrorKind::NotFound => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
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

impl ObjectEntry {
    fn of(info: ObjectInfo) -> Self {
        let put_at = info.modified.map(|it| it.unix_timestamp());
        let put_at_s = put_at.and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
        Self {
            name: info.name,
            put_at_ms: put_at_s * 1_000,
        }
    }
}

impl ObjectReader {
    /// The next piece; `None` at the end, when all that came was what the description says.
    ///
    /// # Errors
    /// When a part is missing, or the store does not answer.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, ObjectError> {
        if self.read >= self.size {
            return self.compare().map(|()| None);
        }
        let piece = match self.page.next() {
            Some(piece) => piece,
            None => self.next_page().await?.ok_or(ObjectError::Lost)?,
        };
        self.last = piece.sequence;
        self.read += piece.payload.len();
        self.hash.update(&piece.payload);
        Ok(Some(piece.payload))
    }

    async fn next_page(&mut self) -> Result<Option<Stored>, RequestError> {
        let from = self.last + 1;
        let page = self.log.page(STREAM, &self.subject, from, PAGE).await?;
        let mut messages = page.messages;
        if messages.is_empty() {
            // A replica that lags has no word in this.
            messages.extend(self.log.leader_next(STREAM, &self.subject, from).await?);
        }
        self.page = messages.into_iter();
        Ok(self.page.next())
    }

    fn compare(&self) -> Result<(), ObjectError> {
        let digest = URL_SAFE.encode(self.hash.clone().finalize());
        let told = self.digest.as_deref();
        let told = told.map(|it| it.strip_prefix(DIGEST).unwrap_or(it));
        if self.read == self.size && told.is_none_or(|told| told == digest) {
            Ok(())
        } else {
            Err(ObjectError::Lost)
        }
    }
}

fn unavailable(error: &dyn std::error::Error) -> RequestError {
    let source = error.source().map(|source| format!(": {source}"));
    RequestError::Unavailable(format!("{error}{}", source.unwrap_or_default()))
}

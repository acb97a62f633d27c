//! Key-value buckets in which processes say how they are, again and again: whatever is not
//! repeated is forgotten by the bucket.

use std::marker::PhantomData;
use std::time::Duration;

use async_nats::Subscriber;
use futures_util::StreamExt as _;
use runlog_schemas::WireError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::ConnectionState;
use crate::fetch::{PageLimit, Stored};
use crate::{AppendError, Log, ReadError, RequestError};

/// Pause before a read is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What stands in a bucket.
pub(crate) trait Entry: Serialize + DeserializeOwned + Clone + PartialEq {
    /// The bucket's name.
    const BUCKET: &'static str;
    /// The stream behind it.
    const STREAM: &'static str;
    /// How often a watcher looks although it heard nothing: nobody tells of what was forgotten.
    const LOOK: Duration;

    /// Where it stands in the bucket, in tokens that are made fit for a subject.
    fn key(&self) -> Vec<&str>;
}

/// Tells of a bucket's entries whenever they change.
pub(crate) struct Entries<T> {
    log: Log,
    subscriber: Subscriber,
    state: watch::Receiver<ConnectionState>,
    last: Option<Vec<T>>,
    failed: bool,
    of: PhantomData<T>,
}

impl Log {
    /// Puts an entry in the place of the one before.
    pub(crate) async fn put<T: Entry>(&self, entry: &T) -> Result<(), AppendError> {
        let payload = serde_json::to_vec(entry).expect("plain fields always serialise");
        let subject = subject::<T>(&entry.key());
        self.append_over(T::STREAM, subject, payload).await
    }

    /// Leaves an empty entry, which nobody reads, until the bucket forgets it.
    pub(crate) async fn remove<T: Entry>(&self, key: &[&str]) -> Result<(), AppendError> {
        let subject = subject::<T>(key);
        self.append_over(T::STREAM, subject, Vec::new()).await
    }

    /// All entries, sorted by their keys.
    pub(crate) async fn entries<T: Entry>(&self) -> Result<Vec<T>, ReadError> {
        let subject = all::<T>();
        let mut entries: Vec<T> = Vec::new();
        let mut after = 0;
        loop {
            let page = self
                .page(T::STREAM, &subject, after + 1, PageLimit::USUAL)
                .await?;
            for stored in &page.messages {
                after = stored.sequence;
                if !stored.payload.is_empty() {
                    entries.push(read(stored)?);
                }
            }
            if !page.more || page.messages.is_empty() {
                entries.sort_by(|a, b| a.key().cmp(&b.key()));
                return Ok(entries);
            }
        }
    }

    /// Watches the entries.
    pub(crate) async fn watch_entries<T: Entry>(&self) -> Result<Entries<T>, RequestError> {
        let subscriber = self.listen(all::<T>()).await?;
        Ok(Entries {
            log: self.clone(),
            subscriber,
            state: self.state(),
            last: None,
            failed: false,
            of: PhantomData,
        })
    }
}

impl<T: Entry> Entries<T> {
    pub(crate) async fn next_change(&mut self) -> Option<Result<Vec<T>, ReadError>> {
        loop {
            if self.failed {
                sleep(RETRY_PAUSE).await;
            } else if self.last.is_some() {
                tokio::select! {
                    message = self.subscriber.next() => { message?; }
                    changed = self.state.changed() => { changed.ok()?; }
                    () = sleep(T::LOOK) => {}
                }
            }
            self.log.connected().await;
            let entries = self.log.entries().await;
            self.failed = entries.is_err();
            match entries {
                Ok(entries) if self.last.as_ref() == Some(&entries) => {}
                Ok(entries) => {
                    self.last = Some(entries.clone());
                    return Some(Ok(entries));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn read<T: Entry>(stored: &Stored) -> Result<T, ReadError> {
    serde_json::from_slice(&stored.payload).map_err(|error| ReadError::Unreadable {
        stream: T::STREAM,
        sequence: stored.sequence,
        subject: stored.subject.clone(),
        source: WireError::Malformed(error),
    })
}

fn all<T: Entry>() -> String {
    format!("$KV.{}.>", T::BUCKET)
}

/// `$KV.{bucket}.{token}.{token}`, with what a key may not contain replaced.
fn subject<T: Entry>(key: &[&str]) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut subject = format!("$KV.{}", T::BUCKET);
    for token in key {
        subject.push('.');
        subject.extend(token.chars().map(|c| if allowed(c) { c } else { '_' }));
    }
    subject
}

#[cfg(test)]
mod tests {
    use crate::LanguageReport;

    #[test]
    fn a_host_name_becomes_one_token() {
        assert_eq!(
            super::subject::<LanguageReport>(&["python", "a.b c>*"]),
            "$KV.LANGUAGES.python.a_b_c__"
        );
    }
}

//! A stream from one sequence to another, as it stands: for whoever checks the log.

use bytes::Bytes;
use futures_util::{Stream, stream};

use crate::fetch::{PageLimit, Stored};
use crate::{Log, RequestError};

/// Everything that a stream may hold.
const ALL: &str = ">";

/// Messages and bytes of one page; half of what a subscription holds.
const PAGE: PageLimit = PageLimit {
    messages: 1_000,
    bytes: 4 * 1024 * 1024,
};

/// A message as it stands in a stream, not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMessage {
    /// Its place in the stream.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its bytes.
    pub payload: Bytes,
}

impl Log {
    /// Reads every message of a stream from the sequence `from` to the sequence `to`, which is in
    /// it or has been, page by page. Whatever is no longer there is left out without a word.
    pub fn scan(
        &self,
        stream: &'static str,
        from: u64,
        to: u64,
    ) -> impl Stream<Item = Result<Vec<RawMessage>, RequestError>> + Send + use<> {
        stream::try_unfold((self.clone(), from), move |(log, from)| async move {
            if from > to {
                return Ok(None);
            }
            let mut messages = log.page(stream, ALL, from, PAGE).await?.messages;
            if messages.is_empty() {
                // A replica that lags has no word in this.
                messages.extend(log.leader_next(stream, ALL, from).await?);
            }
            let Some(last) = messages.last().map(|it| it.sequence) else {
                return Ok(None);
            };
            let page = messages
                .into_iter()
                .filter(|it| it.sequence <= to)
                .map(RawMessage::from)
                .collect();
            Ok(Some((page, (log, last + 1))))
        })
    }
}

impl From<Stored> for RawMessage {
    fn from(stored: Stored) -> Self {
        Self {
            sequence: stored.sequence,
            subject: stored.subject,
            payload: stored.payload,
        }
    }
}

//! Programs that were shared.

use runlog_schemas::{
    Snippet, SnippetChange, SnippetEvent, SnippetId, decode_snippet, encode_snippet, subject,
};

use crate::fetch::{PageLimit, Stored};
use crate::{AppendError, Log, ReadError};

/// A snippet's event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSnippet {
    /// Its place in [`subject::SNIPPETS`].
    pub sequence: u64,
    /// The snippet that it is about.
    pub id: SnippetId,
    /// The event.
    pub event: SnippetEvent,
}

impl Log {
    /// Appends a snippet, unless the log has one with this id. Returns its sequence.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when there is one already.
    pub async fn append_snippet(
        &self,
        id: SnippetId,
        snippet: &Snippet,
        at_ms: u64,
    ) -> Result<u64, AppendError> {
        let event = SnippetEvent {
            at_ms,
            change: SnippetChange::Created {
                snippet: Box::new(snippet.clone()),
            },
        };
        let subject = subject::snippet(id);
        self.append_first(subject::SNIPPETS, subject, encode_snippet(&event))
            .await
    }

    /// Reads a snippet; `None` where the log has none with this id, or no longer.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn read_snippet(&self, id: SnippetId) -> Result<Option<RecordedSnippet>, ReadError> {
        let subject = subject::snippet(id);
        let limit = PageLimit {
            messages: 1,
            ..PageLimit::USUAL
        };
        let page = self.page(subject::SNIPPETS, &subject, 1, limit).await?;
        let stored = match page.messages.into_iter().next() {
            Some(stored) => Some(stored),
            // A replica may lag behind.
            None => self.leader_next(subject::SNIPPETS, &subject, 1).await?,
        };
        stored.as_ref().map(recorded).transpose()
    }

    /// Reads snippets behind the sequence `after`, in the order in which they were shared; some
    /// at once, and none where there are no more.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read. When the log ends
    /// before `after`.
    pub async fn read_snippets(&self, after: u64) -> Result<Vec<RecordedSnippet>, ReadError> {
        let stream = subject::SNIPPETS;
        let [all] = subject::SNIPPETS_SUBJECTS;
        let last = self.bounds(stream).await?.last_sequence;
        if last < after {
            return Err(ReadError::ShorterThanRead { last, read: after });
        }
        if last == after {
            return Ok(Vec::new());
        }
        let page = self.page(stream, all, after + 1, PageLimit::USUAL).await?;
        let mut messages = page.messages;
        if messages.is_empty() {
            // A replica may lag behind.
            messages.extend(self.leader_next(stream, all, after + 1).await?);
        }
        messages.iter().map(recorded).collect()
    }
}

fn recorded(stored: &Stored) -> Result<RecordedSnippet, ReadError> {
    let stream = subject::SNIPPETS;
    let id = subject::snippet_id(&stored.subject).ok_or_else(|| ReadError::UnknownSubject {
        stream,
        sequence: stored.sequence,
        subject: stored.subject.clone(),
    })?;
    let event =
        decode_snippet(&stored.payload).map_err(|source| stored.unreadable(stream, source))?;
    Ok(RecordedSnippet {
        sequence: stored.sequence,
        id,
        event,
    })
}

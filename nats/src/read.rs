//! Reading executions and their recordings.

use futures_util::{Stream, StreamExt as _, stream};
use runlog_schemas::{
    Change, Execution, ExecutionEvent, ExecutionId, OutputBatch, Submission, Vocabulary, WireError,
    decode_output, fold, subject,
};

use crate::Log;
use crate::fetch::{Page, PageLimit, Stored};
use crate::request::RequestError;

/// How sure an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// From any replica, which may lag a little. What it does not have at all is asked of the
    /// leader.
    Any,
    /// As the leader knows it: contains everything that was acknowledged before.
    Leader,
    /// Contains everything of the subject up to this sequence, which is known to be there. The
    /// leader is asked only where a replica does not have it.
    UpTo(u64),
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No answer, or a refusal.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A message that this version does not understand. Never skipped: stop and alert.
    #[error("message {sequence} of {stream} ({subject}) cannot be read")]
    Unreadable {
        /// The stream.
        stream: &'static str,
        /// The message's sequence.
        sequence: u64,
        /// The message's subject.
        subject: String,
        /// What is wrong with it.
        #[source]
        source: WireError,
    },
    /// A subject of the stream that is none of ours.
    #[error("message {sequence} of {stream} stands on the unknown subject {subject}")]
    UnknownSubject {
        /// The stream.
        stream: &'static str,
        /// The message's sequence.
        sequence: u64,
        /// The message's subject.
        subject: String,
    },
    /// The log has no submission with this id, or no longer.
    #[error("the log has no execution {0}")]
    NotFound(ExecutionId),
    /// The log ends before the place where a reader wants to go on: it is another log, or one
    /// from a backup.
    #[error("the log ends at {last}, but this reader has already read up to {read}")]
    ShorterThanRead {
        /// The last sequence that the log ever had.
        last: u64,
        /// Where the reader is.
        read: u64,
    },
}

/// An execution, read and folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What the events add up to.
    pub execution: Execution,
    /// All events with their sequences in [`subject::EXECUTIONS`], the submission in front.
    pub events: Vec<(u64, ExecutionEvent)>,
    /// What the next append to the status must expect: the last sequence there, 0 for none.
    pub last_status_sequence: u64,
}

/// A submission as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSubmission {
    /// Its sequence in [`subject::EXECUTIONS`].
    pub sequence: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub at_ms: u64,
    /// All of what was asked.
    pub submission: Submission,
}

impl ReadError {
    /// Whether a newer Runlog wrote what could not be read. It may be asked.
    #[must_use]
    pub const fn is_newer(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.is_newer())
    }
}

impl Log {
    /// Reads and folds an execution; `None` where the log has no submission with this id.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn read_execution(
        &self,
        id: ExecutionId,
        freshness: Freshness,
    ) -> Result<Option<Folded>, ReadError> {
        let (submitted, changes) =
            tokio::try_join!(self.read_submitted(id), self.read_status(id, 0, freshness),)?;
        Ok(submitted.map(|submitted| Folded::of(submitted, changes)))
    }

    /// Reads the submission of an execution; `None` where the log has none with this id.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn read_submission(
        &self,
        id: ExecutionId,
    ) -> Result<Option<StoredSubmission>, ReadError> {
        let submitted = self.read_submitted(id).await?;
        Ok(submitted.and_then(|(sequence, event)| StoredSubmission::of(sequence, event)))
    }

    /// Reads what happened to an execution since it was accepted, behind the sequence `after`.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn read_status(
        &self,
        id: ExecutionId,
        after: u64,
        freshness: Freshness,
    ) -> Result<Vec<(u64, ExecutionEvent)>, ReadError> {
        let place = Place {
            stream: subject::EXECUTIONS,
            subject: subject::status(id),
            freshness,
        };
        let mut events = Vec::new();
        let mut last = after;
        loop {
            let page = self.next_page(&place, last).await?;
            for stored in &page.messages {
                events.push((stored.sequence, stored.event(self.vocabulary())?));
                last = stored.sequence;
            }
            if !page.more {
                return Ok(events);
            }
        }
    }

    /// Reads the recording of an execution behind the sequence `after`, page by page, to the end
    /// that it has now. Chunks may repeat; see [`Log::append_output`].
    pub fn read_output(
        &self,
        id: ExecutionId,
        after: u64,
        freshness: Freshness,
    ) -> impl Stream<Item = Result<(u64, OutputBatch), ReadError>> + Send + use<> {
        let place = Place {
            stream: subject::OUTPUT,
            subject: subject::output(id),
            freshness,
        };
        let pages = stream::try_unfold(
            (self.clone(), place, Some(after)),
            |(log, place, after)| async move {
                let Some(after) = after else { return Ok(None) };
                let page = log.next_page(&place, after).await?;
                let last = page.messages.last().map(|stored| stored.sequence);
                let next = if page.more { last } else { None };
                Ok(Some((page.messages, (log, place, next))))
            },
        );
        pages.flat_map(|page: Result<Vec<Stored>, ReadError>| {
            let batches = match page {
                Ok(messages) => messages
                    .into_iter()
                    .map(|stored| Ok((stored.sequence, stored.output()?)))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(batches)
        })
    }

    pub(crate) async fn read_submitted(
        &self,
        id: ExecutionId,
    ) -> Result<Option<(u64, ExecutionEvent)>, ReadError> {
        let subject = subject::any_submit(id);
        let limit = PageLimit {
            messages: 1,
            ..PageLimit::USUAL
        };
        let page = self.page(subject::EXECUTIONS, &subject, 1, limit).await?;
        let stored = match page.messages.into_iter().next() {
            Some(stored) => Some(stored),
            None => self.leader_next(subject::EXECUTIONS, &subject, 1).await?,
        };
        match stored {
            Some(stored) => {
                let event = stored.event(self.vocabulary())?;
                Ok(Some((stored.sequence, event)))
            }
            None => Ok(None),
        }
    }

    /// The page behind the sequence `after`. Where the leader is asked, it is asked for what
    /// follows the last page of a replica, which is nothing in most cases.
    pub(crate) async fn next_page(&self, place: &Place, after: u64) -> Result<Page, RequestError> {
        let mut page = self
            .page(place.stream, &place.subject, after + 1, PageLimit::USUAL)
            .await?;
        let last = page.messages.last().map_or(after, |stored| stored.sequence);
        let confirm = match place.freshness {
            Freshness::Any => false,
            Freshness::Leader => !page.more,
            Freshness::UpTo(there) => !page.more && last < there,
        };
        if confirm || (page.more && page.messages.is_empty()) {
            let next = self
                .leader_next(place.stream, &place.subject, last + 1)
                .await?;
            page.more = next.is_some();
            page.messages.extend(next);
        }
        Ok(page)
    }
}

/// What to read, and how surely.
pub(crate) struct Place {
    pub(crate) stream: &'static str,
    pub(crate) subject: String,
    pub(crate) freshness: Freshness,
}

impl Folded {
    fn of(submitted: (u64, ExecutionEvent), changes: Vec<(u64, ExecutionEvent)>) -> Self {
        let last_status_sequence = changes.last().map_or(0, |(sequence, _)| *sequence);
        let mut events = vec![submitted];
        events.extend(changes);
        let execution = events
            .iter()
            .fold(Execution::default(), |execution, (_, event)| {
                fold(execution, event)
            });
        Self {
            execution,
            events,
            last_status_sequence,
        }
    }
}

impl StoredSubmission {
    pub(crate) fn of(sequence: u64, event: ExecutionEvent) -> Option<Self> {
        match event.change {
            Change::Submitted { submission } => Some(Self {
                sequence,
                at_ms: event.at_ms,
                submission: *submission,
            }),
            _ => None,
        }
    }
}

impl Stored {
    pub(crate) fn event(&self, vocabulary: Vocabulary) -> Result<ExecutionEvent, ReadError> {
        vocabulary
            .decode_event(&self.payload)
            .map_err(|source| self.unreadable(subject::EXECUTIONS, source))
    }

    pub(crate) fn output(&self) -> Result<OutputBatch, ReadError> {
        decode_output(&self.payload).map_err(|source| self.unreadable(subject::OUTPUT, source))
    }

    pub(crate) fn unreadable(&self, stream: &'static str, source: WireError) -> ReadError {
        ReadError::Unreadable {
            stream,
            sequence: self.sequence,
            subject: self.subject.clone(),
            source,
        }
    }
}

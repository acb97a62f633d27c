//! Appending, so that every message is stored once or refused.
//!
//! An answer that does not come says nothing: most such messages are stored after all. So every
//! append carries a mark of its own and (but for output) the sequence that it expects before it.
//! An unclear one is looked for at the leader and sent again; its condition makes that harmless.

use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{HeaderMap, Request};
use bytes::Bytes;
use runlog_schemas::{
    Change, ExecutionEvent, ExecutionId, OutputBatch, Submission, encode_event, encode_output,
    subject,
};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use crate::request::{ApiError, RequestError};
use crate::{Log, fetch};

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
const EXPECTED_ON: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
const EXPECTED_STREAM: &str = "Nats-Expected-Stream";

/// Pause before an append is sent again that the server could not take.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How long an append is tried that the server cannot take, and says so.
const NOT_NOW_PATIENCE: Duration = Duration::from_secs(2);

/// Why an append was not done.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Something else stands there already. Read, fold and decide again.
    #[error("the log has moved on")]
    Conflict,
    /// The log is full and drops nothing to make room. Not stored.
    #[error("the log is full: {0}")]
    Full(String),
    /// The message is larger than a message may be. Not stored.
    #[error("the message is too large: {size} bytes of {max}")]
    TooLarge {
        /// Its size without headers, in bytes.
        size: usize,
        /// The largest that is taken, in bytes and with headers.
        max: usize,
    },
    /// The log cannot be reached. Not stored.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// It was sent, and neither an answer nor the log itself says whether it was stored, now or a
    /// little later.
    #[error("unknown whether it was stored: {0}")]
    Unknown(String),
    /// The server says no in a way that has no place in a healthy system. Not stored.
    #[error("the log refused: {description} (error {code})")]
    Refused {
        /// The server's error code.
        code: u64,
        /// Its words.
        description: String,
    },
}

/// One message to append.
struct Append {
    stream: &'static str,
    subject: String,
    payload: Bytes,
    condition: Option<Condition>,
}

/// What must hold for the append.
struct Condition {
    /// The last sequence on the subject; 0 for none.
    expected: u64,
    /// A wider subject on which it must be the last one.
    on: Option<String>,
}

/// What became of one try.
enum Tried {
    Stored(u64),
    Conflict,
    /// Certainly not stored, and the next try will not be either.
    Failed(AppendError),
    /// Certainly not stored, this time.
    NotNow(String),
    /// Perhaps stored.
    NoAnswer(String),
}

#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(default)]
    seq: u64,
    error: Option<ApiError>,
}

impl Log {
    /// Appends a submission, unless the log has one with this id, whatever its language and
    /// priority. Returns its sequence.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when there is one already.
    pub async fn append_submission(
        &self,
        id: ExecutionId,
        submission: &Submission,
        at_ms: u64,
    ) -> Result<u64, AppendError> {
        self.admit().await?;
        let event = ExecutionEvent {
            at_ms,
            change: Change::Submitted {
                submission: Box::new(submission.clone()),
            },
        };
        let condition = Condition {
            expected: 0,
            on: Some(subject::any_submit(id)),
        };
        let subject = subject::submit(&submission.language, submission.priority, id);
        let payload = encode_event(&event);
        let append = Append::new(subject::EXECUTIONS, subject, payload).only_if(condition);
        self.append(&append).await
    }

    /// Appends an event to `status.{id}` behind the last one that the caller has folded; 0 where
    /// there was none. Returns its sequence.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when there is a later one: read and decide again.
    pub async fn append_status(
        &self,
        id: ExecutionId,
        expected_last_sequence: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, AppendError> {
        let condition = Condition {
            expected: expected_last_sequence,
            on: None,
        };
        let append = Append::new(
            subject::EXECUTIONS,
            subject::status(id),
            encode_event(event),
        );
        self.append(&append.only_if(condition)).await
    }

    /// Appends output. One that went unanswered is sent again and may be stored twice; readers
    /// drop the repeated chunks by their numbers. Returns the sequence of the one that counts.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn append_output(
        &self,
        id: ExecutionId,
        batch: &OutputBatch,
    ) -> Result<u64, AppendError> {
        let payload = encode_output(batch);
        let append = Append::new(subject::OUTPUT, subject::output(id), payload);
        self.append(&append).await
    }

    /// Appends something once: whatever stands under that subject already is taken as it.
    pub(crate) async fn append_once(
        &self,
        stream: &'static str,
        subject: String,
        payload: Vec<u8>,
    ) -> Result<(), AppendError> {
        match self.append_first(stream, subject, payload).await {
            Ok(_) | Err(AppendError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Appends something, unless anything stands under that subject already.
    pub(crate) async fn append_first(
        &self,
        stream: &'static str,
        subject: String,
        payload: Vec<u8>,
    ) -> Result<u64, AppendError> {
        let condition = Condition {
            expected: 0,
            on: None,
        };
        let append = Append::new(stream, subject, payload).only_if(condition);
        self.append(&append).await
    }

    /// Appends behind the last message of a subject that the caller has seen.
    pub(crate) async fn append_behind(
        &self,
        stream: &'static str,
        subject: String,
        payload: Vec<u8>,
        expected: u64,
    ) -> Result<u64, AppendError> {
        let condition = Condition { expected, on: None };
        let append = Append::new(stream, subject, payload).only_if(condition);
        self.append(&append).await
    }

    /// Appends whatever stands there; the last one counts.
    pub(crate) async fn append_over(
        &self,
        stream: &'static str,
        subject: String,
        payload: Vec<u8>,
    ) -> Result<(), AppendError> {
        let append = Append::new(stream, subject, payload);
        self.append(&append).await.map(|_| ())
    }

    async fn append(&self, append: &Append) -> Result<u64, AppendError> {
        if !self.is_connected() {
            // It would be kept in this client and stored long after we have said no.
            return Err(AppendError::Unavailable("not connected".to_owned()));
        }
        // The client's unique ids serve as well for what is no inbox.
        let mark = self.client().new_inbox();
        let begin = Instant::now();
        let mut unclear = false;
        loop {
            let reason = match self.try_append(append, &mark).await {
                Tried::Stored(sequence) => return Ok(sequence),
                Tried::Conflict if !unclear => return Err(AppendError::Conflict),
                Tried::Failed(error) if !unclear => return Err(error),
                Tried::Conflict | Tried::Failed(_) => "answered twice".to_owned(),
                Tried::NotNow(reason) => {
                    if !unclear && begin.elapsed() >= NOT_NOW_PATIENCE {
                        return Err(AppendError::Unavailable(reason));
                    }
                    sleep(RETRY_PAUSE).await;
                    reason
                }
                Tried::NoAnswer(reason) => {
                    unclear = true;
                    reason
                }
            };
            let deadline = begin + self.config().append_patience;
            if unclear {
                match timeout_at(deadline, self.find_out(append, &mark)).await {
                    Ok(Found::Stored(sequence)) => return Ok(sequence),
                    Ok(Found::Another) => return Err(AppendError::Conflict),
                    Ok(Found::Nothing) if Instant::now() < deadline => {}
                    Ok(Found::Nothing) | Err(_) => return Err(AppendError::Unknown(reason)),
                }
            }
        }
    }

    async fn try_append(&self, append: &Append, mark: &str) -> Tried {
        let request = Request::new()
            .headers(append.headers(mark))
            .payload(append.payload.clone());
        let mut elections = self.elections();
        let sent = self.client().send_request(append.subject.clone(), request);
        let sent = async {
            tokio::select! {
                biased;
                answer = sent => Some(answer),
                // Whoever it was sent to answers no more.
                () = elections.of(append.stream) => None,
            }
        };
        let answer = match self.unless_reconnected(sent).await {
            Ok(Some(Ok(answer))) => answer,
            Ok(None) => return Tried::NoAnswer("there is a new leader".to_owned()),
            Ok(Some(Err(error))) => {
                return match error.kind() {
                    RequestErrorKind::NoResponders => {
                        Tried::NotNow("no stream takes it".to_owned())
                    }
                    RequestErrorKind::MaxPayloadExceeded => Tried::Failed(self.too_large(append)),
                    _ => Tried::NoAnswer(error.to_string()),
                };
            }
            Err(error) => return Tried::NoAnswer(error.to_string()),
        };
        match serde_json::from_slice::<Acknowledgement>(&answer.payload) {
            Ok(Acknowledgement { error: None, seq }) if seq > 0 => Tried::Stored(seq),
            Ok(Acknowledgement {
                error: Some(error), ..
            }) => self.refused(append, error),
            Ok(_) | Err(_) => Tried::NoAnswer("the answer cannot be read".to_owned()),
        }
    }

    fn refused(&self, append: &Append, error: ApiError) -> Tried {
        match error.err_code {
            // Wrong last sequence; the second form tells no number.
            10_071 | 10_164 => Tried::Conflict,
            // Store failed (too many messages or bytes), and out of storage.
            10_077 | 10_047 | 10_023 => Tried::Failed(AppendError::Full(error.description)),
            10_054 => Tried::Failed(self.too_large(append)),
            _ => match error.into() {
                RequestError::Unavailable(reason) => Tried::NotNow(reason),
                RequestError::Refused { code, description } => {
                    Tried::Failed(AppendError::Refused { code, description })
                }
                RequestError::Malformed(error) => Tried::NoAnswer(error.to_string()),
            },
        }
    }

    fn too_large(&self, append: &Append) -> AppendError {
        AppendError::TooLarge {
            size: append.payload.len(),
            max: self.client().max_payload(),
        }
    }

    /// Looks at the leader for what stands where the append was to stand.
    async fn find_out(&self, append: &Append, mark: &str) -> Found {
        self.connected().await;
        let Some(condition) = &append.condition else {
            return Found::Nothing;
        };
        let after = condition.expected + 1;
        let found = self.leader_next(append.stream, &append.subject, after);
        match found.await {
            Ok(Some(message)) if message.mark() == Some(mark) => Found::Stored(message.sequence),
            Ok(Some(_)) => Found::Another,
            Ok(None) => Found::Nothing,
            Err(error) => {
                tracing::debug!(%error, subject = append.subject, "an append is still unclear");
                Found::Nothing
            }
        }
    }
}

/// What stands in the place of an unclear append.
enum Found {
    Stored(u64),
    Another,
    Nothing,
}

impl Append {
    fn new(stream: &'static str, subject: String, payload: Vec<u8>) -> Self {
        Self {
            stream,
            subject,
            payload: payload.into(),
            condition: None,
        }
    }

    fn only_if(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    fn headers(&self, mark: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED_STREAM, self.stream);
        if let Some(condition) = &self.condition {
            headers.insert(fetch::MARK, mark);
            headers.insert(EXPECTED, condition.expected.to_string());
            if let Some(on) = &condition.on {
                headers.insert(EXPECTED_ON, on.as_str());
            }
        }
        headers
    }
}

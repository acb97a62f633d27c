//! Messages out of a stream: pages by direct get, single ones from the leader.

use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode, Subscriber};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use crate::Log;
use crate::request::{self, RequestError};

/// Header of an append: tells it from any other with the same content.
pub(crate) const MARK: &str = "Runlog-Append";

pub(crate) const SEQUENCE: &str = "Nats-Sequence";
/// On a repeated message: the sequence before it on its subject.
pub(crate) const LAST_SEQUENCE: &str = "Nats-Last-Sequence";
const SUBJECT: &str = "Nats-Subject";
const PENDING: &str = "Nats-Num-Pending";

/// Nothing under this subject from there on.
const NO_RESULT: u16 = 404;
/// The end of a page.
const END_OF_PAGE: u16 = 204;

/// A message as it stands in a stream.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    pub(crate) payload: Bytes,
    mark: Option<String>,
}

impl Stored {
    pub(crate) fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }
}

/// Some messages that follow each other on a subject.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Stored>,
    /// Whether there were more when it was read.
    pub(crate) more: bool,
}

/// How much one page may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimit {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl PageLimit {
    /// Fits into a subscription, and keeps a reader's memory flat.
    pub(crate) const USUAL: Self = Self {
        messages: 256,
        bytes: 1024 * 1024,
    };
}

#[derive(Deserialize)]
struct LeaderAnswer {
    message: LeaderMessage,
}

#[derive(Deserialize)]
struct LeaderMessage {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

impl Log {
    /// The messages on `subject` from the sequence `from` on, from whichever replica answers. That
    /// one may lag behind the leader.
    pub(crate) async fn page(
        &self,
        stream: &str,
        subject: &str,
        from: u64,
        limit: PageLimit,
    ) -> Result<Page, RequestError> {
        if !self.is_connected() {
            return Err(RequestError::Unavailable("not connected".to_owned()));
        }
        let read = || self.read_page(stream, subject, from, limit);
        self.unless_reconnected(self.through_elections(stream, read))
            .await?
    }

    async fn read_page(
        &self,
        stream: &str,
        subject: &str,
        from: u64,
        limit: PageLimit,
    ) -> Result<Page, RequestError> {
        let request = json!({
            "seq": from.max(1),
            "next_by_subj": subject,
            "batch": limit.messages,
            "max_bytes": limit.bytes,
        });
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let mut answers = self.ask_for_many(subject, &request).await?;
        let mut page = Page::default();
        loop {
            let message = self.answer(&mut answers).await?;
            match message.status.map(|status| status.as_u16()) {
                None => page.messages.push(Stored::from_direct(message)?),
                Some(NO_RESULT) => return Ok(page),
                Some(END_OF_PAGE) => {
                    page.more = number(message.headers.as_ref(), PENDING).is_some_and(|it| it > 0);
                    return Ok(page);
                }
                Some(_) => return Err(refusal(&message)),
            }
        }
    }

    /// A request that several messages answer.
    pub(crate) async fn ask_for_many(
        &self,
        subject: String,
        request: &serde_json::Value,
    ) -> Result<Subscriber, RequestError> {
        let inbox = self.client().new_inbox();
        let answers = self.subscribe(inbox.clone()).await?;
        self.client()
            .publish_with_reply(subject, inbox, request.to_string().into())
            .await
            .map_err(|error| RequestError::Unavailable(error.to_string()))?;
        Ok(answers)
    }

    pub(crate) async fn subscribe(&self, subject: String) -> Result<Subscriber, RequestError> {
        self.client()
            .subscribe(subject)
            .await
            .map_err(|error| RequestError::Unavailable(error.to_string()))
    }

    /// Subscribes, and returns when the server knows of it.
    pub(crate) async fn listen(&self, subject: String) -> Result<Subscriber, RequestError> {
        let subscriber = self.subscribe(subject).await?;
        self.round_trip().await?;
        Ok(subscriber)
    }

    /// The next message of a request with several answers.
    pub(crate) async fn answer(&self, answers: &mut Subscriber) -> Result<Message, RequestError> {
        let patience: Duration = self.config().request_timeout;
        match timeout_at(Instant::now() + patience, answers.next()).await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(RequestError::Unavailable(
                "the client was closed".to_owned(),
            )),
            Err(_) => Err(RequestError::Unavailable("request timed out".to_owned())),
        }
    }

    /// The first message on `subject` from the sequence `from` on, as the leader knows it.
    pub(crate) async fn leader_next(
        &self,
        stream: &str,
        subject: &str,
        from: u64,
    ) -> Result<Option<Stored>, RequestError> {
        let request = json!({ "seq": from.max(1), "next_by_subj": subject });
        let answer = self
            .read_api::<LeaderAnswer>(stream, &format!("STREAM.MSG.GET.{stream}"), &request)
            .await;
        match answer {
            Ok(answer) => Stored::from_leader(answer.message).map(Some),
            Err(RequestError::Refused { code, .. }) if code == request::NO_MESSAGE => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Stored {
    fn from_direct(message: Message) -> Result<Self, RequestError> {
        let headers = message.headers.as_ref();
        let (Some(sequence), Some(subject)) = (number(headers, SEQUENCE), text(headers, SUBJECT))
        else {
            return Err(malformed("a direct get without sequence or subject"));
        };
        Ok(Self {
            sequence,
            subject: subject.to_owned(),
            mark: text(headers, MARK).map(str::to_owned),
            payload: message.payload,
        })
    }

    /// A message as it was repeated.
    pub(crate) fn live(sequence: u64, message: &Message) -> Self {
        Self {
            sequence,
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
            mark: None,
        }
    }

    fn from_leader(message: LeaderMessage) -> Result<Self, RequestError> {
        let decode = |text: &str| {
            STANDARD
                .decode(text)
                .map_err(|it| malformed(&it.to_string()))
        };
        let headers = String::from_utf8_lossy(&decode(&message.hdrs)?).into_owned();
        let mark = headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| *name == MARK)
            .map(|(_, value)| value.trim().to_owned());
        Ok(Self {
            sequence: message.seq,
            subject: message.subject,
            payload: decode(&message.data)?.into(),
            mark,
        })
    }
}

/// What a status that is neither data nor an end says.
pub(crate) fn refusal(message: &Message) -> RequestError {
    let description = message.description.clone().unwrap_or_default();
    match message.status {
        Some(status) if status == StatusCode::NO_RESPONDERS => {
            RequestError::Unavailable("nobody answers".to_owned())
        }
        status => RequestError::Refused {
            code: status.map_or(0, |status| u64::from(status.as_u16())),
            description,
        },
    }
}

pub(crate) fn text<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    headers?.get(name).map(async_nats::HeaderValue::as_str)
}

pub(crate) fn number(headers: Option<&HeaderMap>, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

pub(crate) fn malformed(what: &str) -> RequestError {
    RequestError::Malformed(serde::de::Error::custom(what))
}

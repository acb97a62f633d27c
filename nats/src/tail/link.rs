//! A consumer of ours at the server, which tells its trouble and mends nothing.

use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use runlog_schemas::Vocabulary;
use runlog_schemas::subject::{self, Subject};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{BatchLimit, Collected, Recorded};
use crate::acknowledge::DeliveryInfo;
use crate::connection::ConnectionState;
use crate::{Bounds, Log, ReadError, RequestError};

/// What one request to the consumer asks for: much, since nothing comes between the end of one and
/// the answer to the next, and half of what a subscription holds. The bytes hold a message of the
/// largest size.
const ASK_MESSAGES: usize = 1_024;
const ASK_BYTES: usize = 8 * 1024 * 1024;
const ASK_FOR: Duration = Duration::from_secs(30);

/// The server says that often that it is there; after two that did not come, it is not.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The server forgets a consumer that nobody has asked for this long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// How long a batch waits for what the log had when the message before was sent. It may have left
/// the log since.
const MORE_PATIENCE: Duration = Duration::from_millis(20);

/// A consumer of ours at the server.
pub(super) struct Link {
    name: String,
    inbox: String,
    answers: Subscriber,
    state: watch::Receiver<ConnectionState>,
    seen: ConnectionState,
    /// Place of the last message among all that this consumer delivered.
    delivered: u64,
    /// How many messages the server may still send for the last request.
    asked: usize,
    /// How many more the log had when the last message was sent.
    pub(super) pending: u64,
    vocabulary: Vocabulary,
}

/// What stands in the way of the next message.
pub(super) enum Trouble {
    /// Make a new consumer.
    Link(String),
    /// Tell the caller.
    Message(ReadError),
}

#[derive(Deserialize)]
struct StreamInfo {
    state: Bounds,
}

/// Makes a consumer behind the sequence `last`.
pub(super) async fn connect(log: &Log, last: u64) -> Result<Link, ReadError> {
    let stream = subject::EXECUTIONS;
    let subject = format!("STREAM.INFO.{stream}");
    let info: StreamInfo = log.read_api(stream, &subject, &()).await?;
    if info.state.last_sequence < last {
        return Err(ReadError::ShorterThanRead {
            last: info.state.last_sequence,
            read: last,
        });
    }
    let state = log.state();
    let seen = *state.borrow();
    let inbox = log.client().new_inbox();
    let answers = log.subscribe(inbox.clone()).await?;
    let name = inbox.replace('.', "-");
    let request = json!({
        "stream_name": stream,
        "action": "create",
        "config": {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": last + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "inactive_threshold": nanoseconds(FORGOTTEN_AFTER),
            "num_replicas": 1,
            "mem_storage": true,
        },
    });
    log.api::<Value>(&format!("CONSUMER.CREATE.{stream}.{name}"), &request)
        .await?;
    Ok(Link {
        name,
        inbox,
        answers,
        state,
        seen,
        delivered: 0,
        asked: 0,
        pending: 0,
        vocabulary: log.vocabulary(),
    })
}

impl Link {
    /// Waits for a message, and for those that the log has behind it.
    pub(super) async fn fill(
        &mut self,
        log: &Log,
        limit: BatchLimit,
        collected: &mut Collected,
    ) -> Result<(), Trouble> {
        while !collected.is_full(limit) {
            if let Some(Some(message)) = self.answers.next().now_or_never() {
                self.take(message, collected)?;
                continue;
            }
            if !collected.events.is_empty() && self.pending == 0 {
                break;
            }
            if self.asked == 0 {
                self.ask(log).await?;
            }
            if collected.events.is_empty() {
                let message = self.wait().await?;
                self.take(message, collected)?;
            } else {
                let Ok(message) = timeout(MORE_PATIENCE, self.wait()).await else {
                    break;
                };
                self.take(message?, collected)?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, log: &Log) -> Result<(), Trouble> {
        let request = json!({
            "batch": ASK_MESSAGES,
            "max_bytes": ASK_BYTES,
            "expires": nanoseconds(ASK_FOR),
            "idle_heartbeat": nanoseconds(HEARTBEAT),
        });
        let subject = format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
            subject::EXECUTIONS,
            self.name
        );
        // Set first: dropped in the middle, the request may have gone out.
        self.asked = ASK_MESSAGES;
        log.client()
            .publish_with_reply(subject, self.inbox.clone(), request.to_string().into())
            .await
            .map_err(|error| Trouble::Link(error.to_string()))
    }

    async fn wait(&mut self) -> Result<Message, Trouble> {
        let patience = HEARTBEAT * 2 + Duration::from_secs(1);
        let seen = self.seen;
        let lost = self.state.wait_for(|now| now.generation != seen.generation);
        tokio::select! {
            biased;
            message = timeout(patience, self.answers.next()) => match message {
                Ok(Some(message)) => Ok(message),
                Ok(None) => Err(Trouble::Link("the client was closed".to_owned())),
                Err(_) => Err(Trouble::Link("no sign of life".to_owned())),
            },
            _ = lost => Err(Trouble::Link("the connection was lost".to_owned())),
        }
    }

    fn take(&mut self, message: Message, collected: &mut Collected) -> Result<(), Trouble> {
        let Some(status) = message.status else {
            return self.take_message(&message, collected);
        };
        let words = message.description.as_deref().unwrap_or_default();
        match status.as_u16() {
            // A heartbeat.
            100 => Ok(()),
            // The request ended: nothing (more) in time, or no room in its bytes.
            404 | 408 => {
                self.asked = 0;
                Ok(())
            }
            409 if words.contains("MaxBytes") || words.contains("Batch Completed") => {
                self.asked = 0;
                Ok(())
            }
            code => Err(Trouble::Link(format!("{words} ({code})"))),
        }
    }

    fn take_message(
        &mut self,
        message: &Message,
        collected: &mut Collected,
    ) -> Result<(), Trouble> {
        let info = message
            .reply
            .as_ref()
            .and_then(|reply| DeliveryInfo::parse(reply))
            .ok_or_else(|| Trouble::Link("a delivery without its reply subject".to_owned()))?;
        if info.consumer_sequence != self.delivered + 1 {
            let words = format!(
                "delivery {} came behind {}",
                info.consumer_sequence, self.delivered
            );
            return Err(Trouble::Link(words));
        }
        let sequence = info.stream_sequence;
        if sequence > collected.last {
            let recorded =
                recorded(message, sequence, self.vocabulary).map_err(Trouble::Message)?;
            collected.events.push(recorded);
            collected.bytes += message.payload.len();
            collected.last = sequence;
        }
        self.pending = info.pending;
        self.delivered += 1;
        self.asked = self.asked.saturating_sub(1);
        Ok(())
    }
}

fn recorded(
    message: &Message,
    sequence: u64,
    vocabulary: Vocabulary,
) -> Result<Recorded, ReadError> {
    let stream = subject::EXECUTIONS;
    let subject = message.subject.to_string();
    let id = match Subject::parse(&subject) {
        Some(Subject::Submit { id, .. } | Subject::Status(id)) => id,
        Some(Subject::Output(_)) | None => {
            return Err(ReadError::UnknownSubject {
                stream,
                sequence,
                subject,
            });
        }
    };
    let decoded = vocabulary.decode_event(&message.payload);
    let event = decoded.map_err(|source| ReadError::Unreadable {
        stream,
        sequence,
        subject,
        source,
    })?;
    Ok(Recorded {
        sequence,
        id,
        event,
    })
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Link(error.to_string())
    }
}

//! The whole of `EXECUTIONS` in order, from a place on and as it grows: the projector's reading.
//!
//! A plain pull consumer without acknowledgements, which this side checks and, whenever anything
//! about it is doubtful, throws away and makes anew behind the last message that it gave out. The
//! client's own ordered consumer would begin at 1 again after some restarts.

use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use runlog_schemas::subject::{self, Subject};
use runlog_schemas::{ExecutionEvent, ExecutionId, decode_event};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::acknowledge::DeliveryInfo;
use crate::connection::ConnectionState;
use crate::{Bounds, Log, ReadError, RequestError};

/// What one request to the consumer asks for. The bytes hold a message of the largest size.
const ASK_MESSAGES: usize = 512;
const ASK_BYTES: usize = 8 * 1024 * 1024;
const ASK_FOR: Duration = Duration::from_secs(30);

/// The server says that often that it is there; after two that did not come, it is not.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The server forgets a consumer that nobody has asked for this long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Pause before a consumer is made that could not be.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// One event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the stream.
    pub sequence: u64,
    /// The execution that it is about.
    pub id: ExecutionId,
    /// The event.
    pub event: ExecutionEvent,
}

/// Where a batch is cut.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    /// Most events in it.
    pub events: usize,
    /// It is not added to once it has this many bytes, as they stand in the log.
    pub bytes: usize,
}

/// Reads [`subject::EXECUTIONS`] from a place on.
pub struct Tail {
    log: Log,
    /// The last sequence that was given out, or that the caller had before.
    last: u64,
    link: Option<Link>,
}

/// A consumer of ours at the server.
struct Link {
    name: String,
    inbox: String,
    answers: Subscriber,
    state: watch::Receiver<ConnectionState>,
    seen: ConnectionState,
    /// Place of the last message among all that this consumer delivered.
    delivered: u64,
    /// How many messages the server may still send for the last request.
    asked: usize,
}

/// What stands in the way of the next message.
enum Trouble {
    /// Make a new consumer.
    Link(String),
    /// Tell the caller.
    Message(ReadError),
}

#[derive(Deserialize)]
struct StreamInfo {
    state: Bounds,
}

impl Log {
    /// Reads everything from the sequence `from` on, and what is still to come.
    ///
    /// # Errors
    /// When the log does not answer, or ends before `from`.
    pub async fn tail(&self, from: u64) -> Result<Tail, ReadError> {
        let mut tail = Tail {
            log: self.clone(),
            last: from.saturating_sub(1),
            link: None,
        };
        tail.link = Some(tail.connect().await?);
        Ok(tail)
    }
}

impl Tail {
    /// The last sequence that was given out.
    #[must_use]
    pub const fn last_sequence(&self) -> u64 {
        self.last
    }

    /// Waits for the next event and takes with it what is there already. Mends what can be mended
    /// for as long as it takes. May be dropped and called again.
    ///
    /// # Errors
    /// At a message that cannot be read, again and again: it is never skipped. When the log ends
    /// before what has been read.
    pub async fn next_batch(&mut self, limit: BatchLimit) -> Result<Vec<Recorded>, ReadError> {
        loop {
            let link = match &mut self.link {
                Some(link) => link,
                empty @ None => {
                    self.log.connected().await;
                    match connect(&self.log, self.last).await {
                        Ok(link) => empty.insert(link),
                        Err(ReadError::Request(error)) => {
                            tracing::warn!(%error, "cannot read the log's tail");
                            sleep(RETRY_PAUSE).await;
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            let mut batch = Batch {
                limit,
                last: self.last,
                bytes: 0,
                events: Vec::new(),
            };
            let trouble = link.fill(&self.log, &mut batch).await.err();
            // Nothing is awaited from here on, so nothing that was taken can be lost.
            self.last = batch.last;
            if let Some(trouble) = trouble {
                self.drop_link(&trouble);
                match trouble {
                    Trouble::Message(error) if batch.events.is_empty() => return Err(error),
                    Trouble::Message(_) | Trouble::Link(_) => {}
                }
            }
            if !batch.events.is_empty() {
                return Ok(batch.events);
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn connect(&self) -> Result<Link, ReadError> {
        connect(&self.log, self.last).await
    }

    fn drop_link(&mut self, trouble: &Trouble) {
        if let Trouble::Link(reason) = trouble {
            tracing::info!(%reason, after = self.last, "making a new consumer of the log's tail");
        }
        self.link = None;
    }
}

/// Makes a consumer behind the sequence `last`.
async fn connect(log: &Log, last: u64) -> Result<Link, ReadError> {
    let stream = subject::EXECUTIONS;
    let info: StreamInfo = log.api(&format!("STREAM.INFO.{stream}"), &()).await?;
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
    })
}

/// What is being collected.
struct Batch {
    limit: BatchLimit,
    last: u64,
    bytes: usize,
    events: Vec<Recorded>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.events.len() >= self.limit.events.max(1) || self.bytes >= self.limit.bytes
    }
}

impl Link {
    /// Waits for a message, and takes those that follow it without waiting.
    async fn fill(&mut self, log: &Log, batch: &mut Batch) -> Result<(), Trouble> {
        while batch.events.is_empty() {
            if self.asked == 0 {
                self.ask(log).await?;
            }
            let message = self.wait().await?;
            self.take(message, batch)?;
        }
        while !batch.is_full() {
            match self.answers.next().now_or_never() {
                Some(Some(message)) => self.take(message, batch)?,
                Some(None) | None => break,
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

    fn take(&mut self, message: Message, batch: &mut Batch) -> Result<(), Trouble> {
        let Some(status) = message.status else {
            return self.take_message(&message, batch);
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

    fn take_message(&mut self, message: &Message, batch: &mut Batch) -> Result<(), Trouble> {
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
        if sequence > batch.last {
            let recorded = recorded(message, sequence).map_err(Trouble::Message)?;
            batch.events.push(recorded);
            batch.bytes += message.payload.len();
            batch.last = sequence;
        }
        self.delivered += 1;
        self.asked = self.asked.saturating_sub(1);
        Ok(())
    }
}

fn recorded(message: &Message, sequence: u64) -> Result<Recorded, ReadError> {
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
    let event = decode_event(&message.payload).map_err(|source| ReadError::Unreadable {
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

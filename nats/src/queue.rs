//! The queues: one durable consumer for each language and priority.

use std::time::Duration;

use async_nats::Message;
use bytes::Bytes;
use runlog_schemas::subject::{self, Subject};
use runlog_schemas::{ExecutionId, Priority, Submission, WireError};
use serde_json::json;

use crate::acknowledge::DeliveryInfo;
use crate::fetch::refusal;
use crate::read::StoredSubmission;
use crate::{Log, RequestError};

/// What a pull gets when the queue has nothing (more) for it.
const NOTHING: u16 = 404;
const TIMED_OUT: u16 = 408;

/// More than this in one pull could overflow its subscription.
const MOST_AT_ONCE: usize = 1_000;

/// The queues of the log. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(crate) log: Log,
}

/// A submission that this worker has on lease for a few seconds; see [`Lease`].
#[derive(Debug)]
pub struct Delivery {
    /// The execution.
    pub id: ExecutionId,
    /// When it was accepted, in milliseconds since 1970.
    pub at_ms: u64,
    /// All of what was asked.
    pub submission: Submission,
    /// How often it has been delivered, this time included. On the first, the status is mostly
    /// empty: append with 0 expected and read only on a conflict.
    pub deliveries: u64,
    /// Its sequence in [`subject::EXECUTIONS`].
    pub stream_sequence: u64,
    /// What to say about it to the queue.
    pub lease: Lease,
}

/// A message of the queue that is no submission which this version understands. It comes again
/// until somebody acknowledges it.
#[derive(Debug, thiserror::Error)]
#[error("message {stream_sequence} of the queue ({subject}) cannot be read")]
pub struct Poison {
    /// The execution, where the subject names one.
    pub id: Option<ExecutionId>,
    /// The message's subject.
    pub subject: String,
    /// How often it has been delivered, this time included.
    pub deliveries: u64,
    /// Its sequence in [`subject::EXECUTIONS`].
    pub stream_sequence: u64,
    /// What is wrong with it; `None` where it is an event of another kind.
    #[source]
    pub error: Option<WireError>,
    /// What to say about it to the queue.
    pub lease: Lease,
}

/// A worker's hold on a message: the queue gives it to nobody else for a few seconds, counted anew
/// from each [`Lease::progress`]. A hint only: the fence is the log.
#[derive(Clone)]
pub struct Lease {
    log: Log,
    reply: async_nats::Subject,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lease").field(&self.reply.as_str()).finish()
    }
}

impl Log {
    /// The queues.
    #[must_use]
    pub fn queue(&self) -> Queue {
        Queue { log: self.clone() }
    }
}

impl Queue {
    /// Takes up to `max` submissions that wait now; returns at once when there are none.
    ///
    /// # Errors
    /// When the log does not answer and nothing was taken.
    pub async fn pull(
        &self,
        language: &str,
        priority: Priority,
        max: usize,
    ) -> Result<Vec<Result<Delivery, Poison>>, RequestError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        if !self.log.is_connected() {
            return Err(RequestError::Unavailable("not connected".to_owned()));
        }
        let max = max.min(MOST_AT_ONCE);
        let consumer = subject::consumer(language, priority);
        let mut taken = Vec::new();
        let taking = self.take(&consumer, max, &mut taken);
        let ended = self.log.unless_reconnected(taking).await.flatten();
        match ended {
            // What was taken is on lease; it must reach the worker.
            Err(error) if taken.is_empty() => Err(error),
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    async fn take(
        &self,
        consumer: &str,
        max: usize,
        taken: &mut Vec<Result<Delivery, Poison>>,
    ) -> Result<(), RequestError> {
        let request = json!({ "batch": max, "no_wait": true });
        let subject = format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}",
            subject::EXECUTIONS
        );
        let mut answers = self.log.ask_for_many(subject, &request).await?;
        while taken.len() < max {
            let message = self.log.answer(&mut answers).await?;
            match message.status.map(|status| status.as_u16()) {
                None => taken.push(self.delivery(message)?),
                Some(NOTHING | TIMED_OUT) => break,
                Some(503) => {
                    let apply = "if it is not there, run `runlog streams apply`";
                    let reason = format!("consumer {consumer} does not answer; {apply}");
                    return Err(RequestError::Unavailable(reason));
                }
                Some(_) => return Err(refusal(&message)),
            }
        }
        Ok(())
    }

    fn delivery(&self, message: Message) -> Result<Result<Delivery, Poison>, RequestError> {
        let (reply, info) = message
            .reply
            .and_then(|reply| DeliveryInfo::parse(&reply).map(|info| (reply, info)))
            .ok_or_else(|| crate::fetch::malformed("a delivery without its reply subject"))?;
        let lease = Lease {
            log: self.log.clone(),
            reply,
        };
        let sequence = info.stream_sequence;
        let id = match Subject::parse(&message.subject) {
            Some(Subject::Submit { id, .. }) => Some(id),
            _ => None,
        };
        let decoded = self.log.vocabulary().decode_event(&message.payload);
        let (stored, error) = match decoded {
            Ok(event) => (StoredSubmission::of(sequence, event), None),
            Err(error) => (None, Some(error)),
        };
        Ok(match (id, stored) {
            (Some(id), Some(stored)) => Ok(Delivery {
                id,
                at_ms: stored.at_ms,
                submission: stored.submission,
                deliveries: info.deliveries,
                stream_sequence: sequence,
                lease,
            }),
            (id, _) => Err(Poison {
                id,
                subject: message.subject.to_string(),
                deliveries: info.deliveries,
                stream_sequence: sequence,
                error,
                lease,
            }),
        })
    }
}

impl Lease {
    /// Done with it: it is not delivered again.
    ///
    /// # Errors
    /// When this client was closed.
    pub async fn ack(&self) -> Result<(), RequestError> {
        self.say(Bytes::from_static(b"+ACK")).await
    }

    /// Give it to somebody, after the delay.
    ///
    /// # Errors
    /// When this client was closed.
    pub async fn nak(&self, delay: Duration) -> Result<(), RequestError> {
        let nanoseconds = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        let nak = format!("-NAK {}", json!({ "delay": nanoseconds }));
        self.say(nak.into()).await
    }

    /// Still at it: the lease begins anew. Without a connection this does nothing.
    ///
    /// # Errors
    /// When this client was closed.
    pub async fn progress(&self) -> Result<(), RequestError> {
        if !self.log.is_connected() {
            return Ok(());
        }
        self.say(Bytes::from_static(b"+WPI")).await
    }

    async fn say(&self, what: Bytes) -> Result<(), RequestError> {
        self.log
            .client()
            .publish(self.reply.clone(), what)
            .await
            .map_err(|error| RequestError::Unavailable(error.to_string()))
    }
}

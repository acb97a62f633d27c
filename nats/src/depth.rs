//! How much waits in a queue.

use runlog_schemas::{Priority, subject};
use serde::Deserialize;

use crate::{Queue, RequestError};

/// A queue as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Submissions that no worker has had yet.
    pub waiting: u64,
    /// Submissions that workers have on lease, or that wait for their next attempt.
    pub leased: u64,
    /// How many deliveries there have been, repeated ones included.
    pub deliveries: u64,
    /// The newest sequence of [`subject::EXECUTIONS`] that was delivered: what stands in this
    /// queue at or before it has left it.
    pub delivered_up_to: u64,
}

#[derive(Deserialize)]
struct ConsumerInfo {
    delivered: Delivered,
    num_ack_pending: u64,
    num_pending: u64,
}

#[derive(Deserialize)]
struct Delivered {
    consumer_seq: u64,
    stream_seq: u64,
}

impl Queue {
    /// How much waits in a queue. Not for hot paths.
    ///
    /// # Errors
    /// When the log does not answer, or the queue is not there.
    pub async fn depth(
        &self,
        language: &str,
        priority: Priority,
    ) -> Result<QueueDepth, RequestError> {
        let consumer = subject::consumer(language, priority);
        let subject = format!("CONSUMER.INFO.{}.{consumer}", subject::EXECUTIONS);
        let info: ConsumerInfo = self.log.api(&subject, &()).await?;
        Ok(QueueDepth {
            waiting: info.num_pending,
            leased: info.num_ack_pending,
            deliveries: info.delivered.consumer_seq,
            delivered_up_to: info.delivered.stream_seq,
        })
    }
}

//! How much waits in a queue.

use std::collections::HashMap;

use runlog_schemas::{Priority, subject};
use serde::Deserialize;
use serde_json::json;

use crate::fetch::PageLimit;
use crate::{Queue, ReadError, RequestError};

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
struct NamedInfo {
    name: String,
    #[serde(flatten)]
    info: ConsumerInfo,
}

#[derive(Deserialize)]
struct ConsumerPage {
    total: u64,
    consumers: Option<Vec<NamedInfo>>,
}

/// A submission that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its sequence in [`subject::EXECUTIONS`].
    pub sequence: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub at_ms: u64,
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
        let name = format!("{}.{consumer}", subject::EXECUTIONS);
        let subject = format!("CONSUMER.INFO.{name}");
        let info: ConsumerInfo = self.log.read_api(&name, &subject, &()).await?;
        Ok(info.into())
    }

    /// How much waits in each queue that there is, by [`subject::consumer`].
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn depths(&self) -> Result<HashMap<String, QueueDepth>, RequestError> {
        let subject = format!("CONSUMER.LIST.{}", subject::EXECUTIONS);
        let mut depths = HashMap::new();
        let mut offset = 0;
        loop {
            let request = json!({ "offset": offset });
            let page: ConsumerPage = self.log.api(&subject, &request).await?;
            let infos = page.consumers.unwrap_or_default();
            offset += infos.len() as u64;
            let empty = infos.is_empty();
            depths.extend(infos.into_iter().map(|it| (it.name, it.info.into())));
            if empty || offset >= page.total {
                return Ok(depths);
            }
        }
    }

    /// The submission that has waited in a queue for the longest time, behind what had been
    /// delivered at a look; `None` where none does.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn oldest_waiting(
        &self,
        language: &str,
        priority: Priority,
        delivered_up_to: u64,
    ) -> Result<Option<Waiting>, ReadError> {
        let subject = subject::queue(language, priority);
        let from = delivered_up_to + 1;
        let limit = PageLimit {
            messages: 1,
            ..PageLimit::USUAL
        };
        let page = self.log.page(subject::EXECUTIONS, &subject, from, limit);
        let Some(stored) = page.await?.messages.into_iter().next() else {
            return Ok(None);
        };
        let at_ms = stored.event(self.log.vocabulary())?.at_ms;
        Ok(Some(Waiting {
            sequence: stored.sequence,
            at_ms,
        }))
    }
}

impl From<ConsumerInfo> for QueueDepth {
    fn from(info: ConsumerInfo) -> Self {
        Self {
            waiting: info.num_pending,
            leased: info.num_ack_pending,
            deliveries: info.delivered.consumer_seq,
            delivered_up_to: info.delivered.stream_seq,
        }
    }
}

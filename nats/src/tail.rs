//! The whole of `EXECUTIONS` in order, from a place on and as it grows: the projector's reading.
//!
//! A plain pull consumer without acknowledgements, which this side checks and, whenever anything
//! about it is doubtful, throws away and makes anew behind the last message that it gave out. The
//! client's own ordered consumer would begin at 1 again after some restarts.

mod link;

use std::time::Duration;

use runlog_schemas::{ExecutionEvent, ExecutionId};
use tokio::time::sleep;

use crate::{Log, ReadError};
use link::{Link, Trouble, connect};

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

/// Reads [`EXECUTIONS`](runlog_schemas::subject::EXECUTIONS) from a place on.
pub struct Tail {
    log: Log,
    /// The last sequence that was given out, or that the caller had before.
    last: u64,
    /// What was received since: a wait that is dropped loses nothing.
    collected: Collected,
    link: Option<Link>,
}

/// Events that were received and not given out.
#[derive(Default)]
struct Collected {
    /// The last sequence that was received.
    last: u64,
    bytes: usize,
    events: Vec<Recorded>,
}

impl Log {
    /// Reads everything from the sequence `from` on, and what is still to come.
    ///
    /// # Errors
    /// When the log does not answer, or ends before `from`.
    pub async fn tail(&self, from: u64) -> Result<Tail, ReadError> {
        let last = from.saturating_sub(1);
        let mut tail = Tail {
            log: self.clone(),
            last,
            collected: Collected {
                last,
                ..Collected::default()
            },
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

    /// Whether the log had more behind the last event when that was sent.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.pending > 0)
    }

    /// Waits for the next event and takes with it what the log has now, up to the limit. Mends what
    /// can be mended for as long as it takes. May be dropped and called again.
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
                    match connect(&self.log, self.collected.last).await {
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
            let filled = link.fill(&self.log, limit, &mut self.collected).await;
            // Nothing is awaited from here on, so what is given out is given out.
            if let Err(trouble) = filled {
                self.drop_link(&trouble);
                match trouble {
                    Trouble::Message(error) if self.collected.events.is_empty() => {
                        return Err(error);
                    }
                    Trouble::Message(_) | Trouble::Link(_) => {}
                }
            }
            if !self.collected.events.is_empty() {
                self.last = self.collected.last;
                return Ok(self.collected.take());
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn connect(&self) -> Result<Link, ReadError> {
        connect(&self.log, self.collected.last).await
    }

    fn drop_link(&mut self, trouble: &Trouble) {
        if let Trouble::Link(reason) = trouble {
            tracing::info!(%reason, after = self.collected.last, "making a new consumer of the log's tail");
        }
        self.link = None;
    }
}

impl Collected {
    fn is_full(&self, limit: BatchLimit) -> bool {
        self.events.len() >= limit.events.max(1) || self.bytes >= limit.bytes
    }

    fn take(&mut self) -> Vec<Recorded> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }
}

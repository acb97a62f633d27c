//! What tells workers to look at a queue: submissions as the server repeats them, and a word on
//! core NATS where one was handed back.

use std::str::FromStr as _;

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt as _;
use runlog_schemas::Priority;
use runlog_schemas::subject::{self, Subject};
use tokio::sync::watch;

use crate::connection::ConnectionState;
use crate::{Queue, RequestError};

/// Something for a worker to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wakeup {
    /// A submission came to this queue, or came back.
    Queue {
        /// Its language.
        language: String,
        /// Its priority.
        priority: Priority,
    },
    /// Some wake-ups were or may have been missed: look at all queues.
    Everything,
}

/// Tells of submissions as they come. Redeliveries are not told of, but for those that were handed
/// back: look at all queues from time to time as well.
pub struct Wakeups {
    submitted: Subscriber,
    handed_back: Subscriber,
    state: watch::Receiver<ConnectionState>,
    seen: Option<ConnectionState>,
}

impl Queue {
    /// Listens for submissions. The first wake-up is [`Wakeup::Everything`].
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn wakeups(&self) -> Result<Wakeups, RequestError> {
        let submitted = format!("{}submit.*.*.*", subject::LIVE_PREFIX);
        let handed_back = self.log.subscribe(subject::wake("*", "*")).await?;
        Ok(Wakeups {
            // Its round trip proves both.
            submitted: self.log.listen(submitted).await?,
            handed_back,
            state: self.log.state(),
            seen: None,
        })
    }

    /// Tells all workers that a queue has something again. Nobody need hear it.
    ///
    /// # Errors
    /// When this client was closed.
    pub async fn wake(&self, language: &str, priority: Priority) -> Result<(), RequestError> {
        let subject = subject::wake(language, priority.name());
        let said = self.log.client().publish(subject, Bytes::new()).await;
        said.map_err(|error| RequestError::Unavailable(error.to_string()))
    }
}

impl Wakeups {
    /// The next one; `None` when the client was closed. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Wakeup> {
        loop {
            let now = *self.state.borrow_and_update();
            let lost = self.seen.is_none_or(|seen| now.lost_since(&seen));
            self.seen = Some(now);
            if lost {
                return Some(Wakeup::Everything);
            }
            let queue = tokio::select! {
                biased;
                changed = self.state.changed() => {
                    changed.ok()?;
                    None
                }
                message = self.handed_back.next() => handed_back(&message?.subject),
                message = self.submitted.next() => submitted(&message?.subject),
            };
            if let Some((language, priority)) = queue {
                return Some(Wakeup::Queue { language, priority });
            }
        }
    }
}

fn submitted(subject: &str) -> Option<(String, Priority)> {
    match Subject::parse(subject) {
        Some(Subject::Submit {
            language, priority, ..
        }) => Some((language, priority)),
        _ => None,
    }
}

/// Reads [`subject::wake`].
fn handed_back(subject: &str) -> Option<(String, Priority)> {
    let (language, priority) = subject.strip_prefix("wake.")?.split_once('.')?;
    Some((language.to_owned(), Priority::from_str(priority).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let said = subject::wake("python", Priority::Api.name());
        let expected = Some(("python".to_owned(), Priority::Api));
        assert_eq!(handed_back(&said), expected);
        for bad in ["", "wake", "wake.python", "wake.python.soon"] {
            assert_eq!(handed_back(bad), None, "{bad}");
        }
    }
}

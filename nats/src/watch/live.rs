//! A message of the log as the server repeats it on `live.>`.

use async_nats::Message;
use runlog_schemas::subject::Subject;

use crate::ReadError;
use crate::fetch::{self, Stored};

/// A message as it was repeated.
pub(super) struct Live {
    pub(super) stored: Stored,
    /// The last sequence before it on its subject; 0 for none.
    pub(super) previous: u64,
    pub(super) kind: Kind,
}

/// Which of an execution's two streams a message is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Status,
    Output,
}

impl Live {
    pub(super) fn of(message: Message) -> Result<Self, ReadError> {
        let headers = message.headers.as_ref();
        let kind = match Subject::parse(&message.subject) {
            Some(Subject::Status(_)) => Some(Kind::Status),
            Some(Subject::Output(_)) => Some(Kind::Output),
            Some(Subject::Submit { .. }) | None => None,
        };
        let sequence = fetch::number(headers, fetch::SEQUENCE);
        let previous = fetch::number(headers, fetch::LAST_SEQUENCE);
        let (Some(kind), Some(sequence), Some(previous)) = (kind, sequence, previous) else {
            let what = format!("no repeated message of the log: {}", message.subject);
            return Err(ReadError::Request(fetch::malformed(&what)));
        };
        Ok(Self {
            stored: Stored::live(sequence, &message),
            previous,
            kind,
        })
    }
}

//! One connection that delivers server-sent events.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use runlog_schemas::api::ViewerMessage;

use crate::Error;
use crate::sse::{Frame, Parser};

/// An edge sends at least a comment every 15 s; after three of them went missing the connection
/// is dead, whatever the kernel thinks.
const SILENCE: Duration = Duration::from_secs(45);

/// The events of one connection, as they were sent. It ends with the connection; for one that
/// comes back see [`crate::Events`].
pub struct Frames {
    url: String,
    bytes: BoxStream<'static, reqwest::Result<Bytes>>,
    parser: Parser,
    ready: VecDeque<Frame>,
}

impl Frames {
    pub(crate) fn new(url: String, response: reqwest::Response) -> Self {
        Self {
            url,
            bytes: response.bytes_stream().boxed(),
            parser: Parser::default(),
            ready: VecDeque::new(),
        }
    }

    /// The next event; `None` once the edge has closed the connection. Cancel-safe.
    ///
    /// # Errors
    /// The connection is lost, or does not carry events.
    pub async fn next(&mut self) -> Option<Result<Frame, Error>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(Ok(frame));
            }
            let piece = match tokio::time::timeout(SILENCE, self.bytes.next()).await {
                Err(silence) => return Some(Err(Error::unreachable(&self.url, silence))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some(Err(Error::unreachable(&self.url, error))),
                Ok(Some(Ok(piece))) => piece,
            };
            match self.parser.push(&piece) {
                Ok(frames) => self.ready.extend(frames),
                Err(error) => return Some(Err(Error::protocol(&self.url, error.to_string()))),
            }
        }
    }

    /// The next event, read as a message.
    ///
    /// # Errors
    /// As [`Frames::next`], and where an event is no message.
    pub async fn next_message(&mut self) -> Option<Result<ViewerMessage, Error>> {
        let frame = self.next().await?;
        Some(frame.and_then(|frame| message(&self.url, &frame.data)))
    }
}

/// Reads what an edge says to a viewer.
pub(crate) fn message(url: &str, json: &str) -> Result<ViewerMessage, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::protocol(url, format!("a message that cannot be read: {error}")))
}

//! One WebSocket connection to an execution.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use runlog_schemas::api::{ViewerMessage, ViewerRequest};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::Error;
use crate::error::retry_after;
use crate::frames::message;

/// How long the handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What may wait in our memory for an edge that does not read.
const WRITE_BUFFER: usize = 4 * 1024 * 1024;

/// One connection. It ends with the connection; for one that comes back see [`crate::Session`].
pub struct Socket {
    url: String,
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub(crate) async fn connect(url: String) -> Result<Self, Error> {
        let config = WebSocketConfig::default().max_write_buffer_size(WRITE_BUFFER);
        let connecting = connect_async_with_config(url.as_str(), Some(config), true);
        match tokio::time::timeout(HANDSHAKE, connecting).await {
            Err(late) => Err(Error::unreachable(&url, late)),
            Ok(Ok((stream, _))) => Ok(Self { url, stream }),
            Ok(Err(error)) => Err(refused(&url, error)),
        }
    }

    /// The next message; `None` once the connection is closed. Cancel-safe.
    ///
    /// # Errors
    /// The connection is lost, or carries something else.
    pub async fn next(&mut self) -> Option<Result<ViewerMessage, Error>> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Text(text)) => return Some(message(&self.url, &text)),
                Ok(Message::Close(_)) => return None,
                // Pings are answered while we read.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Binary(_)) => {
                    return Some(Err(Error::protocol(&self.url, "a binary message")));
                }
                Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => {
                    return None;
                }
                Err(error) => return Some(Err(Error::unreachable(&self.url, error))),
            }
        }
    }

    /// Sends a request. What the edge thinks of it comes with [`Socket::next`].
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn send(&mut self, request: &ViewerRequest) -> Result<(), Error> {
        let json = serde_json::to_string(request).expect("a request is plain data");
        self.stream
            .send(Message::text(json))
            .await
            .map_err(|error| Error::unreachable(&self.url, error))
    }

    /// Says goodbye, so that the edge does not wait for us.
    pub async fn close(mut self) {
        // It may be gone already.
        self.stream.close(None).await.ok();
    }
}

/// What an edge says instead of a handshake.
fn refused(url: &str, error: tungstenite::Error) -> Error {
    let tungstenite::Error::Http(response) = error else {
        return Error::unreachable(url, error);
    };
    let later = response
        .headers()
        .get("retry-after")
        .and_then(|it| it.to_str().ok());
    let later = retry_after(later);
    let status = response.status().as_u16();
    let body = response.into_body().unwrap_or_default();
    Error::from_answer(url, status, later, &body)
}

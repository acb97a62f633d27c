//! The handshake of a WebSocket.
//!
//! warp has one too, but no way to set the size of its read buffer: 128 KiB for each viewer, and
//! written anew at each look for a message.

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use warp::http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use crate::error::EdgeError;

/// Viewers say little.
const READ_BUFFER: usize = 4 << 10;
/// Bytes that one socket may have waiting to be sent before it is written to the network.
const WRITE_BUFFER: usize = 16 << 10;
/// Bytes that one socket may have waiting when the network takes nothing.
const MOST_WRITE_BUFFER: usize = 1 << 20;

/// A WebSocket.
pub(crate) type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// A request to speak WebSocket.
pub(crate) struct Upgrade {
    on_upgrade: OnUpgrade,
    accept: HeaderValue,
}

impl Upgrade {
    /// Reads the request.
    ///
    /// # Errors
    /// When it is another one.
    pub(crate) fn read(
        headers: &HeaderMap,
        on_upgrade: Option<OnUpgrade>,
    ) -> Result<Self, EdgeError> {
        let has = |name: &HeaderName, wanted: &str| {
            let values = headers.get_all(name).into_iter();
            values
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|token| token.trim().eq_ignore_ascii_case(wanted))
        };
        let asked = has(&CONNECTION, "upgrade")
            && has(&UPGRADE, "websocket")
            && has(&SEC_WEBSOCKET_VERSION, "13");
        let key = headers.get(SEC_WEBSOCKET_KEY);
        let (Some(on_upgrade), Some(key), true) = (on_upgrade, key, asked) else {
            return Err(EdgeError::NotAWebSocket);
        };
        let accept = derive_accept_key(key.as_bytes());
        let accept = HeaderValue::from_str(&accept).expect("base64 fits a header");
        Ok(Self { on_upgrade, accept })
    }

    /// The answer, which hands the connection over.
    pub(crate) fn response(&self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        response
    }

    /// The socket, once the answer is sent.
    pub(crate) async fn socket(self, largest_message: usize) -> Option<WebSocket> {
        let upgraded = self
            .on_upgrade
            .await
            .inspect_err(|error| tracing::debug!(%error, "a viewer left before its socket opened"))
            .ok()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MOST_WRITE_BUFFER)
            .max_message_size(Some(largest_message))
            .max_frame_size(Some(largest_message));
        let io = TokioIo::new(upgraded);
        Some(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await)
    }
}

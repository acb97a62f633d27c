//! Watching that survives the loss of a connection, or of the edge.
//!
//! Both kinds of connection say the same things in the same order and name a place to resume
//! behind each of them, so one loop serves both: read; when the connection is lost, wait a
//! little, connect again behind the last thing seen.

use std::future::Future;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{Status, ViewerMessage, ViewerRequest};

use crate::backoff::Backoff;
use crate::{Client, Error, Frames, Socket};

/// How long attempts to come back may go on without success.
const PATIENCE: Duration = Duration::from_secs(60);

/// A kind of connection.
trait Connection: Sized + Send + 'static {
    fn open(
        client: Client,
        id: ExecutionId,
        from: Option<String>,
    ) -> impl Future<Output = Result<Self, Error>> + Send;

    fn receive(&mut self) -> impl Future<Output = Option<Result<ViewerMessage, Error>>> + Send;
}

impl Connection for Frames {
    async fn open(client: Client, id: ExecutionId, from: Option<String>) -> Result<Self, Error> {
        client.frames(id, from.as_deref()).await
    }

    async fn receive(&mut self) -> Option<Result<ViewerMessage, Error>> {
        self.next_message().await
    }
}

impl Connection for Socket {
    async fn open(client: Client, id: ExecutionId, from: Option<String>) -> Result<Self, Error> {
        client.socket(id, from.as_deref()).await
    }

    async fn receive(&mut self) -> Option<Result<ViewerMessage, Error>> {
        self.next().await
    }
}

enum State<C> {
    Connecting(BoxFuture<'static, Result<C, Error>>),
    Connected(Box<C>),
    Over,
}

struct Live<C> {
    client: Client,
    id: ExecutionId,
    /// Behind the last thing seen.
    place: Option<String>,
    /// How many connections there were.
    connections: u64,
    state: State<C>,
}

impl<C: Connection> Live<C> {
    /// The first connection is tried once: an edge that is not there is worth knowing at once.
    fn new(client: Client, id: ExecutionId, from: Option<String>) -> Self {
        let first = C::open(client.clone(), id, from.clone());
        Self {
            client,
            id,
            place: from,
            connections: 0,
            state: State::Connecting(Box::pin(first)),
        }
    }

    async fn next(&mut self) -> Option<Result<ViewerMessage, Error>> {
        loop {
            match &mut self.state {
                State::Over => return None,
                State::Connecting(connecting) => match connecting.await {
                    Ok(connection) => {
                        self.connections += 1;
                        self.state = State::Connected(Box::new(connection));
                    }
                    Err(error) => return Some(Err(self.give_up(error))),
                },
                State::Connected(connection) => match connection.receive().await {
                    Some(Ok(ViewerMessage::Resume { cursor })) => {
                        self.place = Some(cursor);
                        self.reconnect();
                    }
                    Some(Ok(message)) => {
                        self.note(&message);
                        return Some(Ok(message));
                    }
                    Some(Err(error)) if !error.is_temporary() => {
                        return Some(Err(self.give_up(error)));
                    }
                    Some(Err(_)) | None => self.reconnect(),
                },
            }
        }
    }

    fn give_up(&mut self, error: Error) -> Error {
        self.state = State::Over;
        error
    }

    fn note(&mut self, message: &ViewerMessage) {
        match message {
            ViewerMessage::Event {
                cursor, execution, ..
            } => {
                self.place = Some(cursor.clone());
                if execution.status == Status::Ended {
                    self.state = State::Over;
                }
            }
            ViewerMessage::Output { cursor, .. } => self.place = Some(cursor.clone()),
            ViewerMessage::Error { .. } | ViewerMessage::Resume { .. } => {}
        }
    }

    fn reconnect(&mut self) {
        let (client, id, place) = (self.client.clone(), self.id, self.place.clone());
        self.state = State::Connecting(Box::pin(come_back(client, id, place)));
    }
}

async fn come_back<C: Connection>(
    client: Client,
    id: ExecutionId,
    place: Option<String>,
) -> Result<C, Error> {
    let lost = Instant::now();
    let mut backoff = Backoff::default();
    let mut asked = None;
    loop {
        tokio::time::sleep(backoff.next(chance(), asked)).await;
        match C::open(client.clone(), id, place.clone()).await {
            Err(error) if error.is_temporary() && lost.elapsed() < PATIENCE => {
                asked = error.retry_after();
            }
            result => return result,
        }
    }
}

/// A random number: each `RandomState` has keys of its own.
fn chance() -> u64 {
    RandomState::new().hash_one(())
}

/// What happens to an execution, over SSE. Ends after the terminal event; a connection that is
/// lost in between comes back by itself, and everything is seen once and in order.
pub struct Events {
    live: Live<Frames>,
}

impl Events {
    pub(crate) fn new(client: Client, id: ExecutionId, from: Option<String>) -> Self {
        Self {
            live: Live::new(client, id, from),
        }
    }

    /// The next message; `None` after the terminal event or an error. Cancel-safe.
    ///
    /// # Errors
    /// The edge refuses, stays away for a minute, or was not there to begin with.
    pub async fn next(&mut self) -> Option<Result<ViewerMessage, Error>> {
        self.live.next().await
    }
}

/// Taking part in an execution, over a WebSocket. Ends after the terminal event; a connection
/// that is lost in between comes back by itself, and everything is seen once and in order.
pub struct Session {
    live: Live<Socket>,
}

impl Session {
    pub(crate) fn new(client: Client, id: ExecutionId, from: Option<String>) -> Self {
        Self {
            live: Live::new(client, id, from),
        }
    }

    /// The next message; `None` after the terminal event or an error. Cancel-safe.
    ///
    /// # Errors
    /// The edge refuses, stays away for a minute, or was not there to begin with.
    pub async fn next(&mut self) -> Option<Result<ViewerMessage, Error>> {
        self.live.next().await
    }

    /// Sends a request if there is a connection, and says whether it was sent. What was sent may
    /// still be lost with its connection: what was applied comes back as part of the recording.
    pub async fn send(&mut self, request: &ViewerRequest) -> bool {
        let State::Connected(socket) = &mut self.live.state else {
            return false;
        };
        let sent = socket.send(request).await.is_ok();
        if !sent {
            self.live.reconnect();
        }
        sent
    }

    /// The number of the connection, from 1: another one means that what the one before carried
    /// may be lost.
    #[must_use]
    pub const fn connection(&self) -> u64 {
        self.live.connections
    }

    /// Whether requests can be sent now.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self.live.state, State::Connected(_))
    }
}

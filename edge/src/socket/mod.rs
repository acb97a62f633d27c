//! One WebSocket: shows an execution and passes on what its viewer says.
//!
//! One task per socket. While a request is on its way to the program the next one is not read, so
//! requests keep their order and a viewer cannot pile them up.

mod request;
mod signal;
mod upgrade;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use runlog_schemas::ExecutionId;
use runlog_schemas::api::ViewerMessage;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::live::{Next, Viewer, json};
use crate::metrics::Transport;
use crate::state::Edge;
use request::Trouble;
pub(crate) use upgrade::{Upgrade, WebSocket};

/// How many pings may go unanswered.
const PATIENCE: u32 = 3;
/// How long a viewer that was told to go may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

type Doing = Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send>>;

/// What a socket hears of.
enum Heard {
    /// Something from the viewer, or that it is gone.
    Viewer(Option<Result<Message, tungstenite::Error>>),
    /// What became of the viewer's last request.
    Done(Result<(), Trouble>),
    /// Something to show; `None` after the last.
    Show(Option<Next>),
    /// Time for a ping.
    Tick,
    /// The edge stops.
    Closing,
}

struct Socket {
    edge: Arc<Edge>,
    id: ExecutionId,
    websocket: WebSocket,
    messages: Option<BoxStream<'static, Next>>,
    doing: Option<Doing>,
    ticks: Interval,
    unanswered: u32,
}

/// The viewer is gone, or has been told to go.
struct Gone;

/// Serves a socket until its viewer leaves or the edge stops. Without a viewer there is nothing to
/// show, since nobody knows the execution.
pub(crate) async fn run(
    edge: Arc<Edge>,
    id: ExecutionId,
    viewer: Option<Viewer>,
    websocket: WebSocket,
) {
    let _client = edge.metrics.client(Transport::Ws);
    let mut ticks = interval(edge.config.keep_alive);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let mut socket = Socket {
        edge,
        id,
        websocket,
        messages: None,
        doing: None,
        ticks,
        unanswered: 0,
    };
    if viewer.is_none() && socket.tell(Trouble::no_such_execution()).await.is_err() {
        return;
    }
    socket.messages = viewer.map(|viewer| viewer.into_stream().boxed());
    while let Ok(()) = socket.turn().await {}
}

impl Socket {
    async fn turn(&mut self) -> Result<(), Gone> {
        match self.hear().await {
            Heard::Viewer(Some(Ok(message))) => self.take(&message).await,
            Heard::Viewer(Some(Err(tungstenite::Error::Capacity(_)))) => {
                self.close(CloseCode::Size, "the message is too large")
                    .await
            }
            Heard::Viewer(Some(Err(error))) => {
                tracing::debug!(%error, "a socket broke");
                Err(Gone)
            }
            Heard::Viewer(None) => Err(Gone),
            Heard::Done(done) => {
                self.doing = None;
                match done {
                    Ok(()) => Ok(()),
                    Err(trouble) => self.tell(trouble).await,
                }
            }
            Heard::Show(next) => self.show(next).await,
            Heard::Tick => self.ping().await,
            Heard::Closing => self.restart().await,
        }
    }

    async fn hear(&mut self) -> Heard {
        // With a viewer the closing is told by it, with the place to resume.
        let alone = self.messages.is_none();
        tokio::select! {
            biased;
            () = self.edge.closing.cancelled(), if alone => Heard::Closing,
            done = wait(&mut self.doing), if self.doing.is_some() => Heard::Done(done),
            message = self.websocket.next(), if self.doing.is_none() => Heard::Viewer(message),
            next = next(&mut self.messages), if !alone => Heard::Show(next),
            _ = self.ticks.tick() => Heard::Tick,
        }
    }

    async fn take(&mut self, message: &Message) -> Result<(), Gone> {
        self.unanswered = 0;
        match message {
            Message::Close(_) => {
                // The answer to it is ready to be sent.
                let _ = self.websocket.flush().await;
                Err(Gone)
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
            Message::Text(_) | Message::Binary(_) => match request::read(message) {
                Ok(request) => {
                    let edge = Arc::clone(&self.edge);
                    self.doing = Some(Box::pin(request::apply(edge, self.id, request)));
                    Ok(())
                }
                Err(trouble) => self.tell(trouble).await,
            },
        }
    }

    /// Shows what there is, and writes it to the network at once.
    async fn show(&mut self, mut next: Option<Next>) -> Result<(), Gone> {
        loop {
            match next {
                Some(Next::Frame(frame)) => self.feed(Message::Text(frame.text())).await?,
                Some(Next::Notice(message)) => self.feed(text(&message)).await?,
                Some(Next::Resume(cursor)) => {
                    let cursor = cursor.to_string();
                    self.feed(text(&ViewerMessage::Resume { cursor })).await?;
                    return match self.edge.closing.is_cancelled() {
                        true => self.restart().await,
                        false => {
                            self.close(CloseCode::Again, "connect again and resume")
                                .await
                        }
                    };
                }
                None => {
                    self.messages = None;
                    break;
                }
            }
            let more = self
                .messages
                .as_mut()
                .and_then(|it| it.next().now_or_never());
            match more {
                Some(more) => next = more,
                None => break,
            }
        }
        self.websocket.flush().await.map_err(gone)
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        if self.unanswered >= PATIENCE {
            return Err(Gone);
        }
        self.unanswered += 1;
        let ping = Message::Ping(bytes::Bytes::new());
        self.websocket.send(ping).await.map_err(gone)
    }

    async fn restart(&mut self) -> Result<(), Gone> {
        self.close(CloseCode::Restart, "the service restarts").await
    }

    async fn tell(&mut self, trouble: Trouble) -> Result<(), Gone> {
        let message = text(&trouble.into());
        self.websocket.send(message).await.map_err(gone)
    }

    async fn feed(&mut self, message: Message) -> Result<(), Gone> {
        self.websocket.feed(message).await.map_err(gone)
    }

    /// Tells the viewer to go, and gives it the time to hear that: a connection that is closed
    /// with something unread in it takes back what it has said.
    async fn close(&mut self, code: CloseCode, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        self.websocket.close(Some(frame)).await.map_err(gone)?;
        let goodbye = async { while let Some(Ok(_)) = self.websocket.next().await {} };
        let _ = timeout(GOODBYE, goodbye).await;
        Err(Gone)
    }
}

fn gone(error: tungstenite::Error) -> Gone {
    tracing::debug!(%error, "a viewer is gone");
    Gone
}

fn text(message: &ViewerMessage) -> Message {
    Message::text(String::from_utf8(json(message)).unwrap_or_default())
}

async fn wait(doing: &mut Option<Doing>) -> Result<(), Trouble> {
    match doing {
        Some(doing) => doing.await,
        None => std::future::pending().await,
    }
}

async fn next(messages: &mut Option<BoxStream<'static, Next>>) -> Option<Next> {
    match messages {
        Some(messages) => messages.next().await,
        None => std::future::pending().await,
    }
}

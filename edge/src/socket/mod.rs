//! One WebSocket: shows an execution and passes on what its viewer says.
//!
//! One task per socket. While a request is on its way to the program the next one is not read, so
//! requests keep their order and a viewer cannot pile them up.

mod request;
mod signal;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{BoxStream, SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use runlog_schemas::ExecutionId;
use runlog_schemas::api::ViewerMessage;
use tokio::time::{Interval, MissedTickBehavior, interval};
use warp::ws::{Message, WebSocket};

use crate::live::{Next, Viewer, json};
use crate::metrics::Transport;
use crate::state::Edge;
use request::Trouble;

/// How many pings may go unanswered.
const PATIENCE: u32 = 3;
/// The service restarts; connect again.
const RESTARTS: u16 = 1012;
/// Try again later; here: resume, and read faster.
const TRY_AGAIN: u16 = 1013;

type Doing = Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send>>;

/// What a socket hears of.
enum Heard {
    /// Something from the viewer, or that it is gone.
    Viewer(Option<Result<Message, warp::Error>>),
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
    incoming: SplitStream<WebSocket>,
    outgoing: SplitSink<WebSocket, Message>,
    messages: Option<BoxStream<'static, Next>>,
    doing: Option<Doing>,
    ticks: Interval,
    unanswered: u32,
}

/// The viewer is gone, or must go.
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
    let (outgoing, incoming) = websocket.split();
    let mut ticks = interval(edge.config.keep_alive);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let mut socket = Socket {
        edge,
        id,
        incoming,
        outgoing,
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
            Heard::Closing => {
                let close = Message::close_with(RESTARTS, "the service restarts");
                self.send(close).await?;
                Err(Gone)
            }
        }
    }

    async fn hear(&mut self) -> Heard {
        let closing = self.messages.is_none();
        tokio::select! {
            biased;
            // With a viewer the closing is told by it, with the place to resume.
            () = self.edge.closing.cancelled(), if closing => Heard::Closing,
            done = wait(&mut self.doing), if self.doing.is_some() => Heard::Done(done),
            message = self.incoming.next(), if self.doing.is_none() => Heard::Viewer(message),
            next = next(&mut self.messages), if self.messages.is_some() => Heard::Show(next),
            _ = self.ticks.tick() => Heard::Tick,
        }
    }

    async fn take(&mut self, message: &Message) -> Result<(), Gone> {
        self.unanswered = 0;
        if message.is_close() {
            return Err(Gone);
        }
        if message.is_ping() || message.is_pong() {
            return Ok(());
        }
        match request::read(message) {
            Ok(request) => {
                let edge = Arc::clone(&self.edge);
                self.doing = Some(Box::pin(request::apply(edge, self.id, request)));
                Ok(())
            }
            Err(trouble) => self.tell(trouble).await,
        }
    }

    async fn show(&mut self, next: Option<Next>) -> Result<(), Gone> {
        match next {
            Some(Next::Frame(frame)) => self.send(Message::text(frame.text())).await,
            Some(Next::Notice(message)) => self.say(&message).await,
            Some(Next::Resume(cursor)) => {
                let cursor = cursor.to_string();
                self.say(&ViewerMessage::Resume { cursor }).await?;
                let (code, reason) = if self.edge.closing.is_cancelled() {
                    (RESTARTS, "the service restarts")
                } else {
                    (TRY_AGAIN, "connect again and resume")
                };
                self.send(Message::close_with(code, reason)).await?;
                Err(Gone)
            }
            None => {
                self.messages = None;
                Ok(())
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        if self.unanswered >= PATIENCE {
            return Err(Gone);
        }
        self.unanswered += 1;
        self.send(Message::ping(Vec::new())).await
    }

    async fn tell(&mut self, trouble: Trouble) -> Result<(), Gone> {
        self.say(&trouble.into()).await
    }

    async fn say(&mut self, message: &ViewerMessage) -> Result<(), Gone> {
        let text = String::from_utf8(json(message)).map_err(|_| Gone)?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.outgoing.send(message).await.map_err(|error| {
            tracing::debug!(%error, "a viewer is gone");
            Gone
        })
    }
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

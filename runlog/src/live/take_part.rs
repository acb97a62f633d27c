//! The loop around [`Part`]: waits for whatever happens, does what comes next.

use std::time::Duration;

use runlog_client::{Client, Session};
use runlog_schemas::ExecutionId;
use runlog_schemas::api::ExecutionView;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Receiver;

use super::feed::Feed;
use super::part::{Happened, Next, Part};
use super::terminal::Raw;
use super::{display, input, terminal};
use crate::failure::Failure;
use crate::writer::Writer;

/// How often we look whether a request can be repeated.
const TICK: Duration = Duration::from_millis(100);

/// How the command line and the program are tied together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ties {
    /// Our standard input is passed on.
    pub(crate) stdin: bool,
    /// Our terminal becomes the program's.
    pub(crate) terminal: bool,
}

struct Sources {
    session: Session,
    /// `None` once it has ended, or where it is not passed on.
    stdin: Option<Receiver<Vec<u8>>>,
    resized: Signal,
    interrupted: Signal,
    terminated: Signal,
    hung_up: Signal,
}

/// Takes part in an execution until it ends.
pub(crate) async fn take_part(
    client: &Client,
    id: ExecutionId,
    ties: Ties,
    writer: &mut Writer,
) -> Result<Box<ExecutionView>, Failure> {
    let mut sources = Sources::open(client.session(id, None), ties).map_err(Failure::Output)?;
    let raw = ties.terminal.then(Raw::enter).transpose()?;
    writer.set_raw(raw.is_some());
    let result = follow(client, id, &mut sources, Part::of(ties), writer).await;
    writer.set_raw(false);
    drop(raw);
    if let Err(Failure::Pipe | Failure::Output(_)) = &result {
        // Nobody reads what it prints, so it ends, as a pipe would end it.
        client.cancel(id).await.ok();
    }
    result
}

async fn follow(
    client: &Client,
    id: ExecutionId,
    sources: &mut Sources,
    mut part: Part,
    writer: &mut Writer,
) -> Result<Box<ExecutionView>, Failure> {
    loop {
        let happened = sources.next(&part).await?;
        let next = part.on(&happened, sources.session.connection());
        if let Happened::Message(message) = &happened
            && let Some(ended) = display::show(message, writer)?
        {
            return Ok(ended);
        }
        match next {
            Next::Wait => {}
            Next::Send(request) => {
                // Without a connection a resize or a signal comes too late to matter.
                sources.session.send(&request).await;
            }
            Next::Cancel(words) => {
                writer.say(words);
                // It may have ended meanwhile; the stream tells.
                client.cancel(id).await.ok();
            }
            Next::Leave => {
                return Err(Failure::Left(format!(
                    "left it running; `runlog watch {id}` shows it"
                )));
            }
        }
        sources.feed(&mut part).await;
    }
}

impl Part {
    fn of(ties: Ties) -> Self {
        let typed = terminal::stdin_is_terminal();
        Self::new(Feed::new(typed), ties.terminal)
    }
}

impl Sources {
    fn open(session: Session, ties: Ties) -> std::io::Result<Self> {
        Ok(Self {
            session,
            stdin: ties.stdin.then(input::read),
            resized: signal(SignalKind::window_change())?,
            interrupted: signal(SignalKind::interrupt())?,
            terminated: signal(SignalKind::terminate())?,
            hung_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self, part: &Part) -> Result<Happened, Failure> {
        let stdin = async {
            match &mut self.stdin {
                Some(stdin) if part.feed.wants_more() => stdin.recv().await,
                Some(_) | None => std::future::pending().await,
            }
        };
        Ok(tokio::select! {
            message = self.session.next() => match message {
                Some(message) => Happened::Message(message?),
                None => return Err(Failure::Service("the stream ended before the run".to_owned())),
            },
            typed = stdin => match typed {
                Some(bytes) => Happened::Typed(bytes),
                None => Happened::InputEnded,
            },
            _ = self.resized.recv() => Happened::Resized(terminal::size()),
            _ = self.interrupted.recv() => Happened::Interrupted,
            _ = self.terminated.recv() => Happened::Terminated,
            _ = self.hung_up.recv() => Happened::Terminated,
            () = tokio::time::sleep(TICK), if part.feed.waits() => Happened::Tick,
        })
    }

    async fn feed(&mut self, part: &mut Part) {
        if !self.session.is_connected() {
            return;
        }
        if let Some(request) = part.feed.next(self.session.connection())
            && !self.session.send(&request).await
        {
            part.feed.unsent();
        }
    }
}

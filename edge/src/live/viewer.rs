//! One viewer of one execution, wherever what it sees comes from.

use std::sync::Arc;

use futures_util::{Stream, stream};
use runlog_nats::Freshness;
use runlog_schemas::api::ViewerMessage;
use runlog_schemas::{Cursor, ExecutionId, OutputBatch, Timeline};

use super::catch_up::{CatchUp, Lifecycle, Step};
use super::feed::Seat;
use super::follow::{Follow, Followed};
use super::frame::Frame;
use crate::error::EdgeError;
use crate::record;
use crate::state::Edge;

/// What a viewer gets next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A message.
    Frame(Arc<Frame>),
    /// A message that belongs to no place of the timeline.
    Notice(ViewerMessage),
    /// Connect again, and resume here.
    Resume(Cursor),
}

/// A viewer.
pub(crate) struct Viewer {
    edge: Arc<Edge>,
    id: ExecutionId,
    /// Behind the last thing that was shown.
    cursor: Cursor,
    source: Source,
}

enum Source {
    CatchUp {
        reading: Box<CatchUp>,
        /// What will be gone on with, and what had been read at the end of the last round.
        seat: Option<Seat>,
        before: Cursor,
    },
    Follow(Box<Follow>),
    Done,
}

/// A viewer that can begin.
pub(crate) struct Opened {
    /// The viewer.
    pub(crate) viewer: Viewer,
    /// Whether the execution is known to have ended, so that its viewer never has to wait.
    pub(crate) ended: bool,
}

/// Prepares to show an execution behind `from`.
///
/// # Errors
/// When nobody knows the execution, or who may know it does not answer.
pub(crate) async fn open(
    edge: &Arc<Edge>,
    id: ExecutionId,
    from: Cursor,
) -> Result<Opened, EdgeError> {
    let opened = |source, ended| Opened {
        viewer: Viewer {
            edge: Arc::clone(edge),
            id,
            cursor: from,
            source,
        },
        ended,
    };
    if let Some(seat) = edge.hub.join_existing(id)
        && seat.begin().0 == 0
    {
        let ended = seat.is_over();
        let follow = Follow::new(id, seat, 0, Timeline::resumed(from));
        return Ok(opened(Source::Follow(Box::new(follow)), ended));
    }
    match edge.log.read_execution(id, Freshness::Any).await {
        Ok(Some(folded)) if folded.execution.end().is_some() => {
            let reading = CatchUp::of_log(edge.log.clone(), id, from, folded.events);
            Ok(opened(Source::reading(reading, None), true))
        }
        Ok(Some(folded)) => {
            let seat = edge.hub.join(id);
            if seat.begin().0 == 0 {
                let follow = Follow::new(id, seat, 0, Timeline::resumed(from));
                return Ok(opened(Source::Follow(Box::new(follow)), false));
            }
            let reading = CatchUp::of_log(edge.log.clone(), id, from, folded.events);
            Ok(opened(Source::reading(reading, Some(seat)), false))
        }
        read => {
            let (lifecycle, batches) = record::from_history(edge, id, read.map(|_| ())).await?;
            let reading = CatchUp::of_recording(id, from, lifecycle, batches);
            Ok(opened(Source::reading(reading, None), true))
        }
    }
}

impl Source {
    fn reading(reading: CatchUp, seat: Option<Seat>) -> Self {
        Self::CatchUp {
            reading: Box::new(reading),
            seat,
            before: Cursor::default(),
        }
    }
}

impl Viewer {
    /// The next thing to show; `None` after the last one. To be awaited to its end.
    pub(crate) async fn next(&mut self) -> Option<Next> {
        loop {
            let next = match std::mem::replace(&mut self.source, Source::Done) {
                Source::Done => return None,
                Source::Follow(follow) => self.follow(follow).await,
                Source::CatchUp {
                    reading,
                    seat,
                    before,
                } => self.catch_up(reading, seat, before).await,
            };
            match next {
                Ok(Some(Next::Frame(frame))) => {
                    self.cursor = frame.shown.cursor;
                    return Some(Next::Frame(frame));
                }
                Ok(Some(next)) => return Some(next),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, id = %self.id, "an execution cannot be shown");
                    return Some(Next::Notice(broken(&error)));
                }
            }
        }
    }

    /// The edge stops; another one goes on from here.
    fn closing(&self) -> Next {
        self.edge.metrics.resync("closing");
        Next::Resume(self.cursor)
    }

    async fn follow(&mut self, mut follow: Box<Follow>) -> Result<Option<Next>, EdgeError> {
        match follow.step().await {
            Followed::Frame(frame) => {
                self.source = Source::Follow(follow);
                Ok(Some(Next::Frame(frame)))
            }
            Followed::Over => Ok(None),
            Followed::Overtaken { live: true } => {
                self.edge.metrics.resync("slow");
                Ok(Some(Next::Resume(self.cursor)))
            }
            Followed::Overtaken { live: false } => {
                // It never was up to date, so it is not slow: the backlog is long.
                let opened = Box::pin(open(&self.edge, self.id, self.cursor)).await?;
                self.source = opened.viewer.source;
                Ok(None)
            }
            Followed::Broken if self.edge.closing.is_cancelled() => Ok(Some(self.closing())),
            Followed::Broken => Err(EdgeError::Broken("its feed broke off".into())),
        }
    }

    async fn catch_up(
        &mut self,
        mut reading: Box<CatchUp>,
        seat: Option<Seat>,
        before: Cursor,
    ) -> Result<Option<Next>, EdgeError> {
        let closing = self.edge.closing.clone();
        let step = tokio::select! {
            step = reading.step() => step,
            () = closing.cancelled() => return Ok(Some(self.closing())),
        };
        let (next, seat, before) = match step? {
            Step::Over => return Ok(None),
            Step::Frame(frame) => (Some(Next::Frame(Arc::new(frame))), seat, before),
            Step::Hole => return self.switch_to_recording(reading, seat, before).await,
            Step::Round => {
                let seat = seat.unwrap_or_else(|| self.edge.hub.join(self.id));
                let (first, lost) = seat.begin();
                let seen = reading.seen();
                let enough = seen.status >= lost.status && seen.output >= lost.output;
                // Without progress there is nothing more to wait for.
                if enough || seen == before {
                    let own = reading.into_timeline();
                    self.source = Source::Follow(Box::new(Follow::new(self.id, seat, first, own)));
                    return Ok(None);
                }
                (None, Some(seat), seen)
            }
        };
        self.source = Source::CatchUp {
            reading,
            seat,
            before,
        };
        Ok(next)
    }

    /// The log no longer has all of the output: goes on with the recording, or says so.
    async fn switch_to_recording(
        &mut self,
        mut reading: Box<CatchUp>,
        seat: Option<Seat>,
        before: Cursor,
    ) -> Result<Option<Next>, EdgeError> {
        match recording(&self.edge, self.id).await {
            Ok(Some((lifecycle, batches))) => {
                let mut recorded = CatchUp::of_recording(self.id, self.cursor, lifecycle, batches);
                // It is the last place to look.
                recorded.accept_holes();
                self.source = Source::reading(recorded, None);
                return Ok(None);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, id = %self.id, "no recording can be had"),
        }
        reading.accept_holes();
        self.source = Source::CatchUp {
            reading,
            seat,
            before,
        };
        Ok(Some(Next::Notice(ViewerMessage::Error {
            code: "output_gone".to_owned(),
            message: "a part of the output is no longer kept in the log".to_owned(),
        })))
    }

    /// Everything, as a stream.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Next> + Send {
        stream::unfold(self, |mut viewer| async move {
            viewer.next().await.map(|next| (next, viewer))
        })
    }
}

/// The lifecycle from the log and the output from the recording, where there is one.
async fn recording(
    edge: &Edge,
    id: ExecutionId,
) -> Result<Option<(Lifecycle, Vec<OutputBatch>)>, EdgeError> {
    let Some(folded) = edge.log.read_execution(id, Freshness::Any).await? else {
        return Ok(None);
    };
    let recording = record::recording(edge, id).await?;
    Ok(recording.map(|recording| (folded.events, recording.batches)))
}

fn broken(error: &EdgeError) -> ViewerMessage {
    ViewerMessage::Error {
        code: error.status_and_code().1.to_owned(),
        message: error.to_string(),
    }
}

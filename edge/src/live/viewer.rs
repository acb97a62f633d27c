//! One viewer of one execution, wherever what it sees comes from.

use std::sync::Arc;

use futures_util::{Stream, stream};
use runlog_nats::Freshness;
use runlog_schemas::api::ViewerMessage;
use runlog_schemas::{Cursor, ExecutionId};
use tokio::time::sleep;

use super::catch_up::{CatchUp, Lifecycle, RETRY_PAUSE, Step};
use super::feed::Seat;
use super::follow::{Follow, Followed};
use super::frame::Frame;
use super::open::{open, retell};
use super::replay::replay;
use crate::error::EdgeError;
use crate::record::{self, Stored};
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
    pub(super) edge: Arc<Edge>,
    pub(super) id: ExecutionId,
    /// Behind the last thing that was shown.
    pub(super) cursor: Cursor,
    pub(super) source: Source,
}

/// Where a viewer gets from what it shows.
pub(super) enum Source {
    /// A reading of its own, up to what the feed has.
    CatchUp {
        reading: Box<CatchUp>,
        /// What will be gone on with, and what had been read at the end of the last round.
        seat: Option<Seat>,
        before: Cursor,
    },
    /// The feed.
    Follow(Box<Follow>),
    /// Nothing more.
    Done,
}

impl Source {
    pub(super) fn reading(reading: CatchUp, seat: Option<Seat>) -> Self {
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
            Followed::Newer => Err(EdgeError::LogNewer("its feed met it".into())),
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
        match recording(&self.edge, self.id, self.cursor).await {
            Ok(Some((lifecycle, stored))) => {
                let batches = replay(self.id, stored);
                let mut recorded = CatchUp::of_recording(self.id, self.cursor, lifecycle, batches);
                // It is the last place to look.
                recorded.accept_holes();
                self.source = Source::reading(recorded, None);
                return Ok(None);
            }
            Ok(None) => {}
            Err(error @ (EdgeError::LogUnavailable(_) | EdgeError::HistoryUnavailable(_))) => {
                tracing::debug!(%error, id = %self.id, "a viewer waits for a recording");
                tokio::select! {
                    () = sleep(RETRY_PAUSE) => {}
                    () = self.edge.closing.cancelled() => return Ok(Some(self.closing())),
                }
                self.source = Source::CatchUp {
                    reading,
                    seat,
                    before,
                };
                return Ok(None);
            }
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

/// The lifecycle from the log and the output from the recording, where there is one, for a viewer
/// who is at `from`.
async fn recording(
    edge: &Edge,
    id: ExecutionId,
    from: Cursor,
) -> Result<Option<(Lifecycle, Stored)>, EdgeError> {
    let Some(folded) = edge.log.read_execution(id, Freshness::Any).await? else {
        return Ok(None);
    };
    let lifecycle = if record::is_retold(from) {
        retell(folded)
    } else {
        folded.events
    };
    let recording = record::recording(edge, id).await?;
    Ok(recording.map(|stored| (lifecycle, stored)))
}

fn broken(error: &EdgeError) -> ViewerMessage {
    ViewerMessage::Error {
        code: error.status_and_code().1.to_owned(),
        message: error.to_string(),
    }
}

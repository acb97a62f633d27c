//! Reads a feed for one viewer.

use std::collections::VecDeque;
use std::sync::Arc;

use runlog_schemas::{ExecutionId, Item, Timeline};
use tokio::sync::watch;

use super::feed::{End, Progress, Seat};
use super::frame::Frame;
use super::ring::Lookup;

/// A viewer at a feed. Until the viewer's own timeline agrees with the feed's, what the feed shows
/// goes through it; from then on the feed's own messages are handed on as they are.
pub(super) struct Follow {
    id: ExecutionId,
    seat: Seat,
    progress: watch::Receiver<Progress>,
    /// Number of the feed's next message.
    next: u64,
    /// The viewer's own timeline, while it may differ from the feed's.
    own: Option<Timeline>,
    ready: VecDeque<Arc<Frame>>,
    /// Whether the viewer has once had everything that there was.
    live: bool,
}

/// What following comes to next.
#[derive(Debug)]
pub(super) enum Followed {
    /// Something to show.
    Frame(Arc<Frame>),
    /// The feed has dropped what comes next.
    Overtaken {
        /// Whether the viewer was up to date before: then it is too slow.
        live: bool,
    },
    /// The execution has ended and everything was shown.
    Over,
    /// The feed broke off.
    Broken,
    /// The feed broke off at something that a newer version wrote.
    Newer,
}

impl Follow {
    /// Begins with the feed's message number `next`.
    pub(super) fn new(id: ExecutionId, seat: Seat, next: u64, own: Timeline) -> Self {
        Self {
            id,
            progress: seat.progress(),
            seat,
            next,
            own: Some(own),
            ready: VecDeque::new(),
            live: false,
        }
    }

    /// The next thing. May be dropped and called again.
    pub(super) async fn step(&mut self) -> Followed {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Followed::Frame(frame);
            }
            // Seen before the look, so that nothing new is slept through.
            let progress = *self.progress.borrow_and_update();
            match self.seat.from(self.next) {
                Lookup::Frames(frames) => {
                    self.next += frames.len() as u64;
                    for frame in frames {
                        self.take(frame);
                    }
                }
                Lookup::Overtaken => return Followed::Overtaken { live: self.live },
                Lookup::Nothing => match progress.end {
                    Some(End::Over) => return Followed::Over,
                    Some(End::Broken) => return Followed::Broken,
                    Some(End::Newer) => return Followed::Newer,
                    None => {
                        self.live = true;
                        if self.progress.changed().await.is_err() {
                            return Followed::Broken;
                        }
                    }
                },
            }
        }
    }

    fn take(&mut self, frame: Arc<Frame>) {
        let Some(own) = &mut self.own else {
            self.ready.push_back(frame);
            return;
        };
        let theirs = &frame.shown;
        let mut shown = match &theirs.item {
            Item::Event(event) => own.push_event(theirs.cursor.status, event.clone()),
            Item::Output(batch) => own.push_output(theirs.cursor.output, batch.clone()),
        };
        // What the feed's last output added nothing to, it did not show.
        shown.extend(own.end_now());
        let mut agree = false;
        for shown in shown {
            agree = shown == *theirs;
            self.ready.push_back(if agree {
                Arc::clone(&frame)
            } else {
                Arc::new(Frame::new(self.id, shown, own.execution()))
            });
        }
        if agree {
            self.own = None;
        }
    }
}

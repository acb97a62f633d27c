//! The last messages of an execution, as many as fit.

use std::collections::VecDeque;
use std::sync::Arc;

use runlog_schemas::Cursor;

use super::frame::Frame;

/// What a viewer takes at once, in frames. Few, since what it has taken it holds until it is sent.
const TAKE: usize = 16;

/// The last messages of an execution. Messages are numbered from 0.
#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Arc<Frame>>,
    /// Number of the first message that is still there.
    first: u64,
    /// Cursor of the last message that is no longer there.
    lost: Cursor,
    weight: usize,
    most: usize,
}

/// What is there from some message on.
#[derive(Debug)]
pub(super) enum Lookup {
    /// Messages, at least one.
    Frames(Vec<Arc<Frame>>),
    /// Nothing yet.
    Nothing,
    /// Other messages: that one is no longer there.
    Overtaken,
}

impl Ring {
    /// A ring that keeps messages of so much weight, and one in any case.
    pub(super) fn new(most: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            first: 0,
            lost: Cursor::default(),
            weight: 0,
            most,
        }
    }

    /// Adds a message, and drops the oldest ones where there is no room.
    pub(super) fn push(&mut self, frame: Arc<Frame>) {
        self.weight += frame.weight();
        self.frames.push_back(frame);
        while self.weight > self.most && self.frames.len() > 1 {
            if let Some(lost) = self.frames.pop_front() {
                self.weight -= lost.weight();
                self.lost = lost.shown.cursor;
                self.first += 1;
            }
        }
    }

    /// All messages, unless some are no longer there.
    pub(super) fn all(&self) -> Option<Vec<Arc<Frame>>> {
        (self.first == 0).then(|| self.frames.iter().cloned().collect())
    }

    /// Number of the first message that is there.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// What a viewer must have seen to go on with the first message that is there.
    pub(super) const fn lost(&self) -> Cursor {
        self.lost
    }

    /// The messages from number `next` on.
    pub(super) fn from(&self, next: u64) -> Lookup {
        let Some(skip) = next.checked_sub(self.first) else {
            return Lookup::Overtaken;
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let frames: Vec<_> = self.frames.iter().skip(skip).take(TAKE).cloned().collect();
        if frames.is_empty() {
            Lookup::Nothing
        } else {
            Lookup::Frames(frames)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runlog_schemas::{Execution, ExecutionId, Item, OutputBatch, Shown};

    use super::*;

    fn frame(output: u64) -> Arc<Frame> {
        let cursor = Cursor {
            output,
            ..Cursor::default()
        };
        let batch = OutputBatch {
            attempt: 1,
            chunks: Vec::new(),
        };
        let shown = Shown {
            cursor,
            item: Item::Output(batch),
        };
        let id = ExecutionId::from_uuid(uuid::Uuid::nil());
        Arc::new(Frame::new(id, shown, &Execution::default()))
    }

    proptest! {
        #[test]
        fn a_reader_gets_everything_in_order_or_is_told(
            most in 0..2_000_usize,
            reads in prop::collection::vec(any::<bool>(), 1..200),
        ) {
            let mut ring = Ring::new(most);
            let (mut pushed, mut next) = (0, 0);
            for read in reads {
                if !read {
                    ring.push(frame(pushed));
                    pushed += 1;
                    continue;
                }
                match ring.from(next) {
                    Lookup::Nothing => prop_assert_eq!(next, pushed),
                    Lookup::Overtaken => {
                        prop_assert!(next < ring.first());
                        prop_assert_eq!(ring.lost().output + 1, ring.first());
                        next = ring.first();
                    }
                    Lookup::Frames(frames) => for frame in frames {
                        prop_assert_eq!(frame.shown.cursor.output, next);
                        next += 1;
                    },
                }
                let kept = usize::try_from(pushed - ring.first()).unwrap();
                prop_assert!(kept <= 1 || ring.weight <= most);
            }
        }
    }
}

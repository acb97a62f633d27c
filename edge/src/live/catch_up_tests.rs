//! A viewer who goes from the log to what was kept of it and back, at any moment, sees it all once.

use futures_util::{FutureExt as _, stream};
use proptest::prelude::*;
use runlog_schemas::{
    Chunk, ChunkKind, Data, Execution, Outcome, OutputDigest, decode_event, fold,
};

use super::*;
use crate::record::{self, Place};

/// An execution as it stands in the log, whose sequences it shares with others.
#[derive(Clone, Debug)]
struct Written {
    lifecycle: Lifecycle,
    output: Vec<(u64, OutputBatch)>,
}

/// Where a viewer reads next, and how many messages.
#[derive(Clone, Copy, Debug)]
enum Hop {
    /// Everything in the log.
    Log(usize),
    /// The lifecycle in the log, and the recording.
    Recording(usize),
    /// The history.
    History(usize),
}

fn at(change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms: 1, change }
}

fn batch(attempt: u32, chunks: std::ops::Range<u64>) -> OutputBatch {
    let chunk = |number: u64| Chunk {
        number,
        at_us: number,
        what: ChunkKind::Stdout {
            data: Data(format!("{attempt}-{number}").into_bytes()),
        },
    };
    OutputBatch {
        attempt,
        chunks: chunks.map(chunk).collect(),
    }
}

/// Attempts of so many messages each, of which the last one ends the execution. `gaps`: what
/// others append in between. Some messages are stored twice.
fn written(attempts: &[Vec<(u64, bool)>], cancel: bool, gaps: &[u64]) -> Written {
    let mut gaps = gaps.iter().copied().cycle();
    let (mut status, mut output) = (0, 0);
    let mut next = |last: &mut u64| {
        *last += 1 + gaps.next().unwrap_or(0);
        *last
    };
    let submitted = decode_event(SUBMITTED).unwrap();
    let mut lifecycle = vec![(next(&mut status), submitted)];
    let mut messages = Vec::new();
    for (number, sizes) in (1..).zip(attempts) {
        let started = Change::Started {
            attempt: number,
            worker: "w".to_owned(),
        };
        lifecycle.push((next(&mut status), at(started)));
        let mut digest = OutputDigest::default();
        let (mut chunk, mut last) = (0, None);
        for (size, twice) in sizes {
            let batch = batch(number, chunk..chunk + size);
            batch.chunks.iter().for_each(|chunk| digest.push(chunk));
            chunk += size;
            for _ in 0..=u8::from(*twice) {
                let sequence = next(&mut output);
                messages.push((sequence, batch.clone()));
                last = Some(sequence);
            }
        }
        if number as usize == attempts.len() {
            if cancel {
                lifecycle.push((next(&mut status), at(Change::CancelRequested)));
            }
            let finished = Change::Finished {
                attempt: number,
                outcome: Outcome::Exited { code: 0 },
                measurements: Box::default(),
                output: Box::new(digest.finish(last)),
            };
            lifecycle.push((next(&mut status), at(finished)));
        } else {
            let retried = Change::Retried {
                attempt: number,
                reason: "lost".to_owned(),
                not_before_ms: 0,
                handed_back: false,
            };
            lifecycle.push((next(&mut status), at(retried)));
        }
    }
    Written {
        lifecycle,
        output: messages,
    }
}

const SUBMITTED: &[u8] = include_bytes!("../../../schemas/tests/wire/event.submitted.v1.json");

impl Written {
    fn execution(&self) -> Execution {
        let events = self.lifecycle.iter().map(|(_, event)| event);
        events.fold(Execution::default(), fold)
    }

    fn recorded(&self) -> Vec<OutputBatch> {
        let attempt = self.execution().recorded_attempt();
        let mut next = 0;
        let mut batches = Vec::new();
        for (_, batch) in &self.output {
            let first = batch.chunks.first().map(|chunk| chunk.number);
            if Some(batch.attempt) == attempt && first == Some(next) {
                next += batch.chunks.len() as u64;
                batches.push(batch.clone());
            }
        }
        batches
    }

    fn retold(&self) -> Lifecycle {
        record::lifecycle(self.lifecycle[0].1.clone(), &self.execution())
    }
}

/// What is on the screen of somebody who believes nothing.
#[derive(Default)]
struct Screen {
    at: Cursor,
    attempt: Option<u32>,
    chunks: Vec<Chunk>,
    ended: bool,
}

impl Screen {
    fn show(&mut self, shown: Shown) {
        assert!(!self.ended, "something behind the end");
        self.at = shown.cursor;
        match shown.item {
            Item::Event(event) => match event.change {
                Change::Started { attempt, .. } => {
                    self.attempt = Some(attempt);
                    self.chunks.clear();
                }
                Change::Retried { .. } => self.chunks.clear(),
                Change::Finished { .. } => self.ended = true,
                _ => {}
            },
            Item::Output(batch) => {
                assert_eq!(self.attempt, Some(batch.attempt));
                for chunk in batch.chunks {
                    assert_eq!(chunk.number, self.chunks.len() as u64, "in order, and once");
                    self.chunks.push(chunk);
                }
            }
        }
    }

    fn hop(&mut self, written: &Written, hop: Hop) {
        let (all, patience) = match hop {
            Hop::Log(patience) => (read_log(written, self.at), patience),
            Hop::Recording(patience) => {
                let lifecycle = if record::is_retold(self.at) {
                    written.retold()
                } else {
                    written.lifecycle.clone()
                };
                (play(self.at, lifecycle, written.recorded()), patience)
            }
            Hop::History(patience) => {
                let lifecycle = written.retold();
                let last = written.lifecycle.last().unwrap().0;
                let from = match record::place(self.at, last, &lifecycle) {
                    Place::Known(from) => from,
                    Place::Unknown => Cursor::default(),
                };
                (play(from, lifecycle, written.recorded()), patience)
            }
        };
        for shown in all.into_iter().take(patience) {
            self.show(shown);
        }
    }
}

/// What a reader of the log shows.
fn read_log(written: &Written, from: Cursor) -> Vec<Shown> {
    let (from, lifecycle) = if record::is_retold(from) {
        (Cursor { output: 0, ..from }, written.retold())
    } else {
        (from, written.lifecycle.clone())
    };
    let mut timeline = Timeline::resumed(from);
    let mut shown = Vec::new();
    for (sequence, event) in lifecycle {
        shown.extend(timeline.push_event(sequence, event));
    }
    for (sequence, batch) in &written.output {
        if *sequence > from.output {
            shown.extend(timeline.push_output(*sequence, batch.clone()));
        }
    }
    assert!(timeline.is_over());
    shown
}

/// What one who plays a recording shows.
fn play(from: Cursor, lifecycle: Lifecycle, batches: Vec<OutputBatch>) -> Vec<Shown> {
    let id = ExecutionId::from_uuid(uuid::Uuid::nil());
    let batches = Box::pin(stream::iter((1..).zip(batches).map(Ok)));
    let mut reading = CatchUp::of_recording(id, from, lifecycle, batches);
    let mut shown = Vec::new();
    loop {
        match reading.step().now_or_never().unwrap().unwrap() {
            Step::Frame(frame) => shown.push(frame.shown),
            Step::Hole => panic!("a hole from {from}"),
            Step::Round => panic!("no end from {from}"),
            Step::Over => return shown,
        }
    }
}

fn hop() -> impl Strategy<Value = Hop> {
    let patience = 0..5_usize;
    prop_oneof![
        patience.clone().prop_map(Hop::Log),
        patience.clone().prop_map(Hop::Recording),
        patience.prop_map(Hop::History),
    ]
}

proptest! {
    #[test]
    fn whoever_goes_from_the_log_to_the_history_and_back_sees_everything_once(
        attempts in prop::collection::vec(
            prop::collection::vec((1..4_u64, any::<bool>()), 0..6),
            1..4,
        ),
        cancel in any::<bool>(),
        gaps in prop::collection::vec(0..9_u64, 1..8),
        hops in prop::collection::vec(hop(), 0..12),
        last in hop(),
    ) {
        let written = written(&attempts, cancel, &gaps);
        let mut screen = Screen::default();
        for hop in hops {
            if !screen.ended {
                screen.hop(&written, hop);
            }
        }
        if !screen.ended {
            screen.hop(&written, match last {
                Hop::Log(_) => Hop::Log(usize::MAX),
                Hop::Recording(_) => Hop::Recording(usize::MAX),
                Hop::History(_) => Hop::History(usize::MAX),
            });
        }
        prop_assert!(screen.ended);
        let whole: Vec<Chunk> = written.recorded().into_iter().flat_map(|it| it.chunks).collect();
        prop_assert_eq!(&screen.chunks, &whole);
        // Whoever has seen the end is told nothing more, wherever they ask.
        for hop in [Hop::Log(9), Hop::Recording(9), Hop::History(9)] {
            screen.hop(&written, hop);
        }
    }
}

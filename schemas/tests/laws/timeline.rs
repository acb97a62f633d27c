//! A viewer sees every execution once and in order, however its messages arrive.

use crate::generate::{history, recording, submission};
use proptest::prelude::*;
use runlog_schemas::{
    Change, Chunk, Cursor, Execution, ExecutionEvent, Item, OutputBatch, Shown, Timeline, fold,
};

/// One message of either stream, with its sequence there.
#[derive(Clone, Debug)]
enum Message {
    Event(u64, ExecutionEvent),
    Output(u64, OutputBatch),
}

/// A log as it would come of a history: every attempt writes its output, and the terminal event
/// names the last of it.
fn log_of(history: &[ExecutionEvent], sizes: &[usize]) -> (Vec<Message>, Vec<Message>) {
    let (mut events, mut output) = (Vec::new(), Vec::new());
    let mut last = None;
    let mut digest = runlog_schemas::OutputDigest::default();
    for (place, event) in history.iter().enumerate() {
        let mut event = event.clone();
        match &mut event.change {
            Change::Started { attempt, .. } => {
                let (batches, sum) = recording(*attempt, sizes);
                digest = sum;
                last = None;
                // Every third message stands in the log twice: its first append went unanswered.
                for batch in batches {
                    for _ in 0..if output.len() % 3 == 0 { 2 } else { 1 } {
                        let sequence = 7 * (output.len() as u64 + 1);
                        last = Some(sequence);
                        output.push(Message::Output(sequence, batch.clone()));
                    }
                }
            }
            Change::Finished { output, .. } | Change::Dead { output, .. } => {
                **output = digest.clone().finish(last);
            }
            _ => {}
        }
        events.push(Message::Event(3 * (place as u64 + 1), event));
    }
    (events, output)
}

fn push(timeline: &mut Timeline, message: Message) -> Vec<Shown> {
    match message {
        Message::Event(sequence, event) => timeline.push_event(sequence, event),
        Message::Output(sequence, batch) => timeline.push_output(sequence, batch),
    }
}

/// Merges two streams as `picks` says, with some messages twice.
fn interleave(events: &[Message], output: &[Message], picks: &[(bool, bool)]) -> Vec<Message> {
    let (mut events, mut output) = (events.iter(), output.iter());
    let mut merged = Vec::new();
    for (event_first, twice) in picks
        .iter()
        .copied()
        .chain(std::iter::repeat((true, false)))
    {
        let next = if event_first {
            events.next().or_else(|| output.next())
        } else {
            output.next().or_else(|| events.next())
        };
        let Some(message) = next else { break };
        merged.push(message.clone());
        if twice {
            merged.push(message.clone());
        }
    }
    merged
}

/// What a viewer keeps: output of an attempt that came to nothing is dropped.
#[derive(Debug, Default, PartialEq)]
struct Screen {
    execution: Execution,
    chunks: Vec<Chunk>,
}

impl Screen {
    fn show(&mut self, shown: &Shown) {
        match &shown.item {
            Item::Event(event) => {
                if matches!(
                    event.change,
                    Change::Started { .. } | Change::Retried { .. }
                ) {
                    self.chunks.clear();
                }
                self.execution = fold(std::mem::take(&mut self.execution), event);
            }
            Item::Output(batch) => self.chunks.extend(batch.chunks.iter().cloned()),
        }
    }
}

proptest! {
    #[test]
    fn every_interleaving_shows_the_same(
        history in history(),
        sizes in prop::collection::vec(1_usize..4, 0..5),
        picks: Vec<(bool, bool)>,
    ) {
        let (events, output) = log_of(&history, &sizes);
        let mut expected = Screen::default();
        let mut timeline = Timeline::default();
        for message in interleave(&events, &output, &[]) {
            push(&mut timeline, message).iter().for_each(|shown| expected.show(shown));
        }
        let mut screen = Screen::default();
        let mut timeline = Timeline::default();
        let mut over = false;
        for message in interleave(&events, &output, &picks) {
            for shown in push(&mut timeline, message) {
                prop_assert!(!over, "something came behind the terminal event");
                screen.show(&shown);
                over = screen.execution.end().is_some();
            }
        }
        prop_assert_eq!(&screen, &expected);
        if let Some(sum) = screen.execution.end().and_then(|end| end.output.as_ref()) {
            prop_assert_eq!(sum.chunks, screen.chunks.len() as u64);
        }
    }

    #[test]
    fn a_viewer_may_leave_and_come_back_anywhere(
        history in history(),
        sizes in prop::collection::vec(1_usize..4, 0..5),
        picks: Vec<(bool, bool)>,
        leaves: Vec<prop::sample::Index>,
    ) {
        let (events, output) = log_of(&history, &sizes);
        let mut expected = Screen::default();
        let mut timeline = Timeline::default();
        for message in interleave(&events, &output, &[]) {
            push(&mut timeline, message).iter().for_each(|shown| expected.show(shown));
        }
        let mut screen = Screen::default();
        let mut cursor = Cursor::default();
        for leave in leaves.iter().map(Some).chain([None]) {
            let mut timeline = Timeline::resumed(cursor);
            let behind: Vec<Message> = output
                .iter()
                .filter(|message| matches!(message, Message::Output(s, _) if *s > cursor.output))
                .cloned()
                .collect();
            let merged = interleave(&events, &behind, &picks);
            let until = leave.map_or(merged.len(), |leave| leave.index(merged.len() + 1));
            for message in merged.into_iter().take(until) {
                for shown in push(&mut timeline, message) {
                    screen.show(&shown);
                    cursor = shown.cursor;
                }
            }
        }
        prop_assert_eq!(screen, expected);
    }
}

#[test]
fn the_end_waits_for_output_and_can_be_had_without_it() {
    let start = Change::Started {
        attempt: 1,
        worker: "w".to_owned(),
    };
    let submit = Change::Submitted {
        submission: Box::new(submission()),
    };
    let output = Box::new(recording(1, &[1]).1.finish(Some(9)));
    let finish = Change::Finished {
        attempt: 1,
        outcome: runlog_schemas::Outcome::Exited { code: 0 },
        measurements: Box::default(),
        output,
    };
    let mut timeline = Timeline::default();
    for (sequence, change) in [(1, submit), (2, start)] {
        assert_eq!(
            timeline
                .push_event(sequence, ExecutionEvent { at_ms: 0, change })
                .len(),
            1
        );
    }
    let finish = ExecutionEvent {
        at_ms: 0,
        change: finish,
    };
    assert_eq!(timeline.push_event(3, finish), Vec::new());
    assert_eq!(timeline.missing_output(), Some(9));
    assert!(!timeline.is_over());
    assert_eq!(timeline.end_now().len(), 1);
    assert!(timeline.is_over());
}

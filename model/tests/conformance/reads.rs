//! Reading.

use runlog_schemas::{Change, Cursor, Item, Priority, Shown};

use crate::suite::{UnderTest, event, finished, id, output, started};

pub(crate) async fn the_tail_is_everything_in_order(log: &mut impl UnderTest) {
    log.submit(id(1), Priority::Api).await.unwrap();
    log.submit(id(2), Priority::Background).await.unwrap();
    log.change(id(1), 0, &started(1)).await.unwrap();
    let cancelled = event(Change::Cancelled);
    log.change(id(2), 0, &cancelled).await.unwrap();
    let tail = log.tail(0, 4).await;
    let seen: Vec<_> = tail
        .iter()
        .map(|it| (it.sequence, it.id, it.event.change.name()))
        .collect();
    let expected = [
        (1, id(1), "submitted"),
        (2, id(2), "submitted"),
        (3, id(1), "started"),
        (4, id(2), "cancelled"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(log.tail(2, 2).await, tail[2..]);
}

/// Two attempts, of which the first comes to nothing and goes on writing; the second writes a
/// chunk twice.
async fn story(log: &mut impl UnderTest) {
    log.submit(id(1), Priority::Api).await.unwrap();
    let first = log.change(id(1), 0, &started(1)).await.unwrap();
    log.record(id(1), &output(1, 0, 2)).await;
    let second = log.change(id(1), first, &started(2)).await.unwrap();
    log.record(id(1), &output(1, 2, 1)).await;
    log.record(id(1), &output(2, 0, 2)).await;
    let last = log.record(id(1), &output(2, 1, 2)).await;
    let end = finished(2, 3, last);
    log.change(id(1), second, &end).await.unwrap();
    log.record(id(1), &output(1, 3, 1)).await;
}

fn cursor(text: &str) -> Cursor {
    text.parse().unwrap()
}

/// What a viewer sees of the story, with the place behind each.
fn seen() -> Vec<Shown> {
    let tail = runlog_schemas::OutputBatch {
        attempt: 2,
        chunks: output(2, 2, 1).chunks,
    };
    let submitted = event(Change::Submitted {
        submission: Box::new(crate::suite::submission(Priority::Api)),
    });
    let items = [
        ("1-0-0", Item::Event(submitted)),
        ("2-0-0", Item::Event(started(1))),
        ("3-0-0", Item::Event(started(2))),
        ("3-3-2", Item::Output(output(2, 0, 2))),
        ("3-4-3", Item::Output(tail)),
        ("4-4-3", Item::Event(finished(2, 3, 4))),
    ];
    let shown = items.into_iter().map(|(place, item)| Shown {
        cursor: cursor(place),
        item,
    });
    shown.collect()
}

pub(crate) async fn a_viewer_sees_the_one_recording(log: &mut impl UnderTest) {
    story(log).await;
    assert_eq!(log.watch(id(1), Cursor::default()).await, seen());
}

pub(crate) async fn a_viewer_who_comes_back_sees_the_rest(log: &mut impl UnderTest) {
    story(log).await;
    let all = seen();
    for (index, shown) in all.iter().enumerate() {
        let rest = log.watch(id(1), shown.cursor).await;
        assert_eq!(rest, all[index + 1..], "behind {}", shown.cursor);
    }
}

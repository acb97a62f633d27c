//! The live view: backlog and what comes, once and in order.

use std::time::Duration;

use futures_util::future::join_all;
use runlog_nats::{AppendError, Log, LogConfig, ReadError};
use runlog_schemas::{Change, Cursor, ExecutionId, Item, Outcome, Priority};
use tokio::time::{sleep, timeout};

use crate::support::{Bed, event, finished, id, output, started, submission};
use crate::viewer::{Script, Viewer, soon};

/// Numbers that look random and come again with the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn script(&mut self) -> Script {
        let attempts = (0..=self.roll(3))
            .map(|_| (0..self.roll(12)).map(|_| 1 + self.roll(4)).collect())
            .collect();
        Script {
            attempts,
            says_so: self.roll(2) == 0,
        }
    }

    async fn pause(&mut self, longest_us: u64) {
        match self.roll(4) {
            0 => {}
            1 => tokio::task::yield_now().await,
            _ => sleep(Duration::from_micros(self.roll(longest_us))).await,
        }
    }
}

/// Watches from a random moment on, now and then breaks off, at times in the middle of a wait, and
/// comes back with the place where it was.
async fn view(log: &Log, id: ExecutionId, script: &Script, seed: u64) {
    let mut dice = Dice(seed);
    let mut viewer = Viewer::default();
    dice.pause(8_000).await;
    let mut patience = 2 + dice.roll(10);
    let mut watch = log
        .watch(id, viewer.cursor)
        .await
        .expect("it was submitted");
    loop {
        let wait = Duration::from_micros(50 + dice.roll(3_000));
        match timeout(wait, watch.next()).await {
            Ok(Some(shown)) => viewer.see(shown.expect("everything can be read")),
            Ok(None) => break,
            Err(_) => {}
        }
        if patience == 0 {
            drop(watch);
            patience = 2 + dice.roll(30);
            watch = log
                .watch(id, viewer.cursor)
                .await
                .expect("it was submitted");
        }
        patience -= 1;
    }
    // The end names a sequence that only the writer knows.
    let end = viewer.events.pop().expect("there is an end");
    assert_eq!(end.change.name(), "finished");
    viewer.check(script);
}

#[tokio::test]
async fn every_viewer_sees_everything_once_while_it_is_written() {
    let mut bed = Bed::start().await;
    let log = bed.another().await;
    for round in 0..40_u32 {
        let seed = 0x9e37_79b9_7f4a_7c15 ^ (u64::from(round) << 7);
        let mut dice = Dice(seed);
        let script = dice.script();
        let id = id(u128::from(round));
        Script::submit(&bed.log, id).await;
        let viewers = (1..=6).map(|viewer| view(&log, id, &script, seed + viewer));
        let writing = script.play(&bed.log, id, async || dice.pause(2_000).await);
        tokio::join!(writing, join_all(viewers));
    }
}

#[tokio::test]
async fn viewers_see_through_the_kill_of_the_server() {
    let mut bed = Bed::start().await;
    let log = bed.another().await;
    let writer = bed.log.clone();
    for round in 0..4_u32 {
        let mut dice = Dice(0xabcd_ef01 + u64::from(round));
        let script = Script {
            attempts: vec![vec![2; 10], vec![3; 60]],
            says_so: round % 2 == 0,
        };
        let id = id(u128::from(round));
        Script::submit(&writer, id).await;
        let watches = join_all((0..8).map(|_| log.watch(id, Cursor::default()))).await;
        let viewers = watches.into_iter().map(|watch| {
            let script = &script;
            async move {
                let mut viewer = Viewer::default();
                viewer.watch(watch.expect("it was submitted")).await;
                let _end = viewer.events.pop();
                viewer.check(script);
            }
        });
        let killing = async {
            sleep(Duration::from_millis(25)).await;
            bed.servers.nats().kill().await.unwrap();
            bed.servers.nats().restart().await.unwrap();
        };
        let writing = script.play(&writer, id, async || dice.pause(2_000).await);
        tokio::join!(writing, join_all(viewers), killing);
    }
}

#[tokio::test]
async fn what_the_log_refused_is_not_shown() {
    let mut bed = Bed::start().await;
    let log = bed.another().await;
    Script::submit(&bed.log, id(1)).await;
    let watch = log.watch(id(1), Cursor::default()).await.unwrap();
    let first = bed.log.append_status(id(1), 0, &started(1)).await.unwrap();
    let second = bed
        .log
        .append_status(id(1), first, &started(2))
        .await
        .unwrap();
    // The first worker was paused and comes back: its end is refused, however often it tries.
    let mut stale = finished(1, 0, None);
    if let Change::Finished { outcome, .. } = &mut stale.change {
        *outcome = Outcome::Exited { code: 99 };
    }
    for expected in [0, first] {
        let refused = log.append_status(id(1), expected, &stale).await;
        assert!(matches!(refused, Err(AppendError::Conflict)), "{refused:?}");
    }
    let end = finished(2, 0, None);
    bed.log.append_status(id(1), second, &end).await.unwrap();
    let mut viewer = Viewer::default();
    viewer.watch(watch).await;
    let seen: Vec<_> = viewer.events[1..].to_vec();
    assert_eq!(seen, [started(1), started(2), end]);
}

#[tokio::test]
async fn output_that_the_log_no_longer_has_does_not_hold_up_the_end() {
    let mut bed = Bed::start().await;
    Script::submit(&bed.log, id(1)).await;
    let begun = bed.log.append_status(id(1), 0, &started(1)).await.unwrap();
    let mut last = 0;
    for number in 0..5 {
        last = bed
            .log
            .append_output(id(1), &output(1, number, 1))
            .await
            .unwrap();
    }
    let end = finished(1, 5, Some(last));
    bed.log.append_status(id(1), begun, &end).await.unwrap();
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let stream = jetstream.get_stream("OUTPUT").await.unwrap();
    // First the beginning is lost, then all of it.
    for (keep, expected) in [(2, vec![3, 4]), (0, vec![])] {
        stream.purge().keep(keep).await.unwrap();
        let mut watch = bed.log.watch(id(1), Cursor::default()).await.unwrap();
        let mut viewer = Viewer::default();
        while let Some(shown) = watch.next().await {
            viewer.see(shown.unwrap());
        }
        assert_eq!(viewer.chunks, expected);
        assert_eq!(viewer.events.last(), Some(&end));
        assert!(watch.output_lost());
    }
}

#[tokio::test]
async fn a_long_backlog_comes_page_by_page() {
    let bed = Bed::start().await;
    Script::submit(&bed.log, id(1)).await;
    let script = Script {
        attempts: vec![vec![1; 1_200]],
        says_so: false,
    };
    script.play(&bed.log, id(1), async || {}).await;
    let mut viewer = Viewer::default();
    let watch = bed.log.watch(id(1), Cursor::default()).await.unwrap();
    viewer.watch(watch).await;
    let _end = viewer.events.pop();
    viewer.check(&script);
}

/// Appends output that the server does not repeat, as if it had been lost on its way.
async fn append_unheard(bed: &mut Bed, id: ExecutionId, first: u64) -> u64 {
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let stream = jetstream.get_stream("OUTPUT").await.unwrap();
    let config = stream.cached_info().config.clone();
    let mut mute = config.clone();
    mute.republish = None;
    jetstream.update_stream(&mute).await.unwrap();
    let batch = output(1, first, 2);
    let last = bed.log.append_output(id, &batch).await.unwrap();
    jetstream.update_stream(&config).await.unwrap();
    last
}

#[tokio::test]
async fn a_gap_is_seen_by_what_follows_it() {
    let mut bed = Bed::start().await;
    Script::submit(&bed.log, id(1)).await;
    let begun = bed.log.append_status(id(1), 0, &started(1)).await.unwrap();
    let mut watch = bed.log.watch(id(1), Cursor::default()).await.unwrap();
    let mut viewer = Viewer::default();
    for _ in 0..2 {
        viewer.see(soon(watch.next()).await.unwrap().unwrap());
    }
    let live = timeout(Duration::from_millis(20), watch.next()).await;
    assert!(live.is_err(), "{live:?}");
    append_unheard(&mut bed, id(1), 0).await;
    bed.log
        .append_output(id(1), &output(1, 2, 1))
        .await
        .unwrap();
    for _ in 0..2 {
        viewer.see(soon(watch.next()).await.unwrap().unwrap());
    }
    assert_eq!(viewer.chunks, [0, 1, 2]);
    // And by the end, which names the last output.
    let last = append_unheard(&mut bed, id(1), 3).await;
    let end = finished(1, 5, Some(last));
    bed.log.append_status(id(1), begun, &end).await.unwrap();
    viewer.watch(watch).await;
    assert_eq!(viewer.chunks, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_loss_without_a_sign_is_found_by_looking() {
    let mut bed = Bed::start().await;
    let config = LogConfig {
        audit_every: Duration::from_millis(50),
        ..LogConfig::new(bed.servers.nats().url(), "test")
    };
    let log = Log::connect(&config).await.unwrap();
    Script::submit(&bed.log, id(1)).await;
    bed.log.append_status(id(1), 0, &started(1)).await.unwrap();
    let mut watch = log.watch(id(1), Cursor::default()).await.unwrap();
    let mut viewer = Viewer::default();
    for _ in 0..2 {
        viewer.see(soon(watch.next()).await.unwrap().unwrap());
    }
    append_unheard(&mut bed, id(1), 0).await;
    viewer.see(soon(watch.next()).await.unwrap().unwrap());
    assert_eq!(viewer.chunks, [0, 1]);
}

/// Who submits watches from before; another connection writes all the rest.
#[tokio::test]
async fn whoever_submits_may_watch_from_before() {
    let mut bed = Bed::start().await;
    let writer = bed.another().await;
    for round in 0..20_u32 {
        let mut dice = Dice(0x1234_5678 + u64::from(round));
        let script = dice.script();
        let id = id(u128::from(round));
        let new = bed.log.watch_new(id).await.unwrap();
        let submission = submission("python", Priority::Api);
        let sequence = bed.log.append_submission(id, &submission, 1).await.unwrap();
        let event = event(Change::Submitted {
            submission: Box::new(submission),
        });
        let watch = new.submitted(sequence, event);
        let mut viewer = Viewer::default();
        let writing = script.play(&writer, id, async || dice.pause(2_000).await);
        tokio::join!(writing, viewer.watch(watch));
        let end = viewer.events.pop().expect("there is an end");
        assert_eq!(end.change.name(), "finished");
        viewer.check(&script);
    }
}

/// More comes than a subscription holds, while nobody takes it.
#[tokio::test]
async fn a_viewer_who_looks_away_misses_nothing() {
    let mut bed = Bed::start().await;
    let log = bed.another().await;
    Script::submit(&bed.log, id(1)).await;
    let script = Script {
        attempts: vec![vec![1; 3_000]],
        says_so: false,
    };
    let mut watch = log.watch(id(1), Cursor::default()).await.unwrap();
    let mut viewer = Viewer::default();
    viewer.see(watch.next().await.unwrap().unwrap());
    // It follows live from here on.
    let live = timeout(Duration::from_millis(20), watch.next()).await;
    assert!(live.is_err(), "{live:?}");
    script.play(&bed.log, id(1), async || {}).await;
    assert!(log.state().borrow().overflows > 0, "the test must overflow");
    viewer.watch(watch).await;
    let _end = viewer.events.pop();
    viewer.check(&script);
}

#[tokio::test]
async fn there_is_nothing_to_watch_where_nothing_was_submitted() {
    let bed = Bed::start().await;
    let unknown = bed.log.watch(id(1), Cursor::default()).await;
    assert!(matches!(unknown, Err(ReadError::NotFound(_))));
}

#[tokio::test]
async fn a_viewer_who_saw_the_end_sees_nothing_more() {
    let bed = Bed::start().await;
    Script::submit(&bed.log, id(1)).await;
    let script = Script {
        attempts: vec![vec![1, 2]],
        says_so: false,
    };
    script.play(&bed.log, id(1), async || {}).await;
    let mut viewer = Viewer::default();
    viewer
        .watch(bed.log.watch(id(1), Cursor::default()).await.unwrap())
        .await;
    let mut again = bed.log.watch(id(1), viewer.cursor).await.unwrap();
    assert!(again.next().await.is_none());
    // One item before the end, only the end is left.
    let mut watch = bed.log.watch(id(1), Cursor::default()).await.unwrap();
    let mut cursors = Vec::new();
    while let Some(shown) = watch.next().await {
        cursors.push(shown.unwrap().cursor);
    }
    let before = cursors[cursors.len() - 2];
    let mut rest = bed.log.watch(id(1), before).await.unwrap();
    let end = rest.next().await.unwrap().unwrap();
    assert!(matches!(end.item, Item::Event(_)));
    assert!(rest.execution().end().is_some());
    assert!(rest.next().await.is_none());
}

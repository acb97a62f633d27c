//! Viewers that come and go at random while programs run, are retried, cancelled and cut.

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRng, TestRunner};
use runlog_edge::EdgeConfig;
use runlog_schemas::{Change, ChunkKind, ExecutionId, Outcome};

use crate::script::Script;
use crate::sse::{Event, Viewer, request, screen};
use crate::stage::{Stage, quick};

/// What the program does next.
#[derive(Clone, Debug)]
enum Act {
    Say(Vec<u8>),
    Stutter,
    Retry,
    Cancel,
    Cut,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => prop::collection::vec(any::<u8>(), 0..600).prop_map(Act::Say),
        3 => Just(Act::Stutter),
        1 => Just(Act::Retry),
        1 => Just(Act::Cancel),
        1 => Just(Act::Cut),
    ]
}

async fn perform(script: &mut Script, acts: Vec<Act>) {
    script.begin().await;
    let (mut attempts, mut cancelled) = (1, false);
    for act in acts {
        match act {
            Act::Say(bytes) => script.say(bytes).await,
            Act::Stutter if script.has_output() => script.stutter().await,
            Act::Retry if attempts < 3 && !cancelled => {
                attempts += 1;
                script.retry().await;
                script.begin().await;
            }
            Act::Cancel if !cancelled => {
                cancelled = true;
                script.event(Change::CancelRequested).await;
            }
            Act::Cut => script.chunk(ChunkKind::Cut).await,
            Act::Stutter | Act::Retry | Act::Cancel => {}
        }
    }
    let outcome = match cancelled {
        true => Outcome::Cancelled,
        false => Outcome::Exited { code: 0 },
    };
    script.finish(outcome).await;
}

/// Reads so many events at a time, and then comes back; `stays` says how many.
async fn restless(stage: &Stage, id: ExecutionId, stays: &[usize]) -> Vec<Event> {
    let mut seen: Vec<Event> = Vec::new();
    for stay in stays.iter().cycle() {
        let last = seen.iter().rev().find_map(|event| event.id.clone());
        let response = request(stage, id, last.as_deref()).await;
        if response.status() == 204 {
            break;
        }
        let mut viewer = Viewer::of(response);
        for _ in 0..*stay {
            match viewer.next().await {
                Some(event) => seen.push(event),
                None => break,
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_everything_once_and_in_order() {
    let stage = Stage::with(EdgeConfig {
        // Small enough that it loses the beginning of many.
        backlog_bytes: 6 << 10,
        ..quick()
    })
    .await;
    let config = Config::default();
    let seed = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let plan = (
        prop::collection::vec(act(), 1..40),
        prop::collection::vec(prop::collection::vec(1..9_usize, 3), 4),
    );
    for _ in 0..25 {
        let (acts, stays) = plan.new_tree(&mut runner).expect("a plan").current();
        let id = stage.submit().await;
        let mut script = Script::new(&stage.log, id);
        let viewers = stays.iter().map(|stays| restless(&stage, id, stays));
        let (seen, ()) = tokio::join!(join_all(viewers), perform(&mut script, acts));
        let afterwards = restless(&stage, id, &[usize::MAX]).await;
        assert_eq!(screen(&afterwards).1, script.stdout());
        for seen in seen {
            assert_eq!(screen(&seen), screen(&afterwards));
        }
    }
}

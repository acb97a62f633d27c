//! An edge that is older than what stands in the log, and the newer one that replaces it.

use runlog_schemas::api::ViewerMessage;
use runlog_schemas::{Change, Vocabulary};

use crate::script::Script;
use crate::sse::{Event, Viewer, request, screen};
use crate::stage::{Stage, problem};

fn code(event: &Event) -> Option<&str> {
    match &event.message {
        ViewerMessage::Error { code, .. } => Some(code),
        _ => None,
    }
}

#[tokio::test]
async fn an_older_edge_stops_at_a_newer_event_and_its_viewers_go_on_at_a_newer_edge() {
    let mut stage = Stage::start().await;
    stage.stop_edge().await;
    let older = Vocabulary::before("retried");
    stage.start_edge_that_knows(older).await;

    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("before\n").await;
    let mut viewer = Viewer::open(&stage, id, None).await;
    let mut seen = Vec::new();
    while screen(&seen).1 != b"before\n" {
        seen.push(viewer.next().await.unwrap());
    }
    let attempt = 1;
    let newer = Change::Retried {
        attempt,
        reason: "the worker was lost".to_owned(),
        not_before_ms: 0,
        handed_back: false,
    };
    script.event(newer).await;
    // Whoever watches is told why nothing more comes, and whoever asks may come back.
    let rest = viewer.rest().await;
    assert_eq!(rest.last().and_then(code), Some("log_newer"), "{rest:?}");
    stage.nothing_followed().await;
    for path in ["", "/events", "/output", "/recording"] {
        let answer = stage.get(&format!("/v1/executions/{id}{path}")).await;
        assert!(answer.headers().contains_key("retry-after"), "{path}");
        let problem = problem(answer).await;
        assert_eq!((problem.status, problem.code.as_str()), (503, "log_newer"));
    }
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    // The feed, and four answers.
    assert!(metrics.contains("log_newer_total 5\n"), "{metrics}");
    // What it can read it serves as ever.
    let other = stage.submit().await;
    let mut unchanged = Script::start(&stage.log, other).await;
    unchanged.say("all is well\n").await;
    unchanged.exit(0).await;
    let whole = Viewer::open(&stage, other, None).await.rest().await;
    assert_eq!(screen(&whole).1, unchanged.stdout());

    script.begin().await;
    script.say("after\n").await;
    script.exit(0).await;
    stage.stop_edge().await;
    stage.start_edge().await;
    let last = seen.iter().rev().find_map(|event| event.id.clone());
    let resumed = request(&stage, id, last.as_deref()).await;
    seen.extend(Viewer::of(resumed).rest().await);
    assert_eq!(seen.iter().find_map(code), None);
    assert_eq!(screen(&seen).1, script.stdout());
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("log_newer_total 0\n"), "{metrics}");
}

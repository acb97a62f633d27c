//! Queues that are full.

use reqwest::Response;
use runlog_edge::EdgeConfig;
use runlog_schemas::Priority;
use serde_json::{Value, json};

use crate::stage::{Stage, problem, quick};
use crate::workers::worker;

const CAPACITY: u64 = 8;

async fn stage() -> Stage {
    Stage::with(EdgeConfig {
        queue_capacity_per_slot: CAPACITY,
        ..quick()
    })
    .await
}

async fn send(stage: &Stage, priority: &str, session: Option<&str>) -> Response {
    let body =
        json!({ "language": "python", "source": "", "priority": priority, "session": session });
    stage.post("/v1/executions", &body).await
}

fn retry_after(response: &Response) -> u64 {
    response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// Takes everything out of the queue, as workers would.
async fn drain(stage: &Stage) {
    let taken = stage
        .log
        .queue()
        .pull("python", Priority::Api, 1_000)
        .await
        .unwrap();
    for delivery in taken {
        delivery.unwrap().lease.ack().await.unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_sends_away_and_says_for_how_long() {
    let stage = stage().await;
    for _ in 0..CAPACITY {
        assert_eq!(send(&stage, "api", None).await.status(), 202);
    }
    let full = send(&stage, "api", None).await;
    assert!((1..=120).contains(&retry_after(&full)));
    let full = problem(full).await;
    assert_eq!((full.status, full.code.as_str()), (503, "queue_full"));
    assert!(full.detail.contains("python api"), "{}", full.detail);
    assert_eq!(
        stage.events_in_log().await,
        CAPACITY,
        "nothing of it is in the log"
    );
    // Other queues are not concerned.
    assert_eq!(send(&stage, "interactive", None).await.status(), 202);
    drain(&stage).await;
    while send(&stage, "api", None).await.status() != 202 {}
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("queue_waiting{language=\"python\",priority=\"api\"}"));
}

#[tokio::test]
async fn of_many_at_once_no_more_than_the_capacity_get_in() {
    let stage = stage().await;
    let programs = vec![json!({ "language": "python", "source": "" }); 50];
    let sent = stage
        .post("/v1/executions/batch", &json!({ "executions": programs }))
        .await;
    let reply: Value = sent.json().await.unwrap();
    let items = reply["executions"].as_array().unwrap();
    let accepted = items.iter().filter(|it| it["id"].is_string()).count();
    let full = items.iter().filter(|it| it["code"] == "queue_full").count();
    assert_eq!((accepted as u64, full as u64), (CAPACITY, 50 - CAPACITY));
    assert_eq!(stage.events_in_log().await, CAPACITY);
}

#[tokio::test]
async fn a_flood_of_one_session_leaves_room_for_others() {
    let stage = stage().await;
    for expected in [202, 202, 429, 429] {
        let sent = send(&stage, "api", Some("flood")).await;
        assert_eq!(sent.status(), expected);
        if expected == 429 {
            assert!(retry_after(&sent) >= 1);
            assert_eq!(problem(sent).await.code, "session_queue_full");
        }
    }
    for _ in 2..CAPACITY {
        assert_eq!(send(&stage, "api", None).await.status(), 202);
    }
    assert_eq!(send(&stage, "api", None).await.status(), 503);
    // Full as it is, somebody who has nothing in it gets in.
    assert_eq!(send(&stage, "api", Some("modest")).await.status(), 202);
    drain(&stage).await;
    while send(&stage, "api", Some("flood")).await.status() != 202 {}
}

#[tokio::test]
async fn a_queue_grows_with_the_slots_that_serve_it() {
    let stage = stage().await;
    stage.log.report_worker(&worker("a", "3")).await.unwrap();
    // The edge hears of the worker's two slots a moment later.
    let mut accepted = 0;
    while accepted < 2 * CAPACITY {
        accepted += u64::from(send(&stage, "api", None).await.status() == 202);
    }
    assert_eq!(send(&stage, "api", None).await.status(), 503);
}

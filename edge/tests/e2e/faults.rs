//! What happens when something beside the edge, or the edge itself, goes away and comes back.

use std::time::Duration;

use runlog_schemas::ExecutionId;
use serde_json::{Value, json};

use crate::script::Script;
use crate::sse::{Event, Viewer, request, screen};
use crate::stage::{Stage, problem, program};

/// Watches to the end, coming back as a browser does whenever the connection is lost.
async fn stubborn(stage: &Stage, id: ExecutionId, seen: &mut Vec<Event>) -> bool {
    let last = seen.iter().rev().find_map(|event| event.id.clone());
    let mut request = stage.request(reqwest::Method::GET, &format!("/v1/executions/{id}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let Ok(response) = request.send().await else {
        return false;
    };
    match response.status().as_u16() {
        204 => return true,
        200 => {}
        // The log is away; a client of ours comes back.
        503 => return false,
        other => panic!("{other}"),
    }
    let mut viewer = Viewer::of(response);
    while let Some(event) = viewer.next().await {
        seen.push(event);
    }
    false
}

#[tokio::test]
async fn a_viewer_survives_restarts_of_the_edge() {
    let mut stage = Stage::start().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    let mut seen = Vec::new();
    for round in 0..3 {
        script.say(format!("before {round}\n")).await;
        let viewer = request(&stage, id, last(&seen).as_deref()).await;
        let mut viewer = Viewer::of(viewer);
        while !screen(&seen)
            .1
            .ends_with(format!("before {round}\n").as_bytes())
        {
            seen.push(viewer.next().await.unwrap());
        }
        let (rest, ()) = tokio::join!(viewer.rest(), stage.stop_edge());
        seen.extend(rest);
        script.say(format!("meanwhile {round}\n")).await;
        stage.start_edge().await;
    }
    script.exit(0).await;
    while !stubborn(&stage, id, &mut seen).await {}
    assert_eq!(screen(&seen).1, script.stdout());
}

fn last(seen: &[Event]) -> Option<String> {
    seen.iter().rev().find_map(|event| event.id.clone())
}

#[tokio::test]
async fn a_viewer_survives_the_loss_of_the_log() {
    let mut stage = Stage::start().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    let mut viewer = Viewer::open(&stage, id, None).await;
    script.say("before\n").await;
    let mut seen = Vec::new();
    while screen(&seen).1 != b"before\n" {
        seen.push(viewer.next().await.unwrap());
    }
    for round in 0..3 {
        stage.servers.nats().kill().await.unwrap();
        stage.servers.nats().restart().await.unwrap();
        stage.log.connected().await;
        script.say(format!("after {round}\n")).await;
    }
    script.exit(0).await;
    seen.extend(viewer.rest().await);
    assert_eq!(screen(&seen).1, script.stdout(), "on one connection");
}

#[tokio::test]
async fn without_the_log_submissions_are_refused_and_taken_again_when_it_is_back() {
    let mut stage = Stage::start().await;
    let body = serde_json::to_value(program()).unwrap();
    let id = stage.submit().await;
    stage.servers.nats().kill().await.unwrap();
    let response = stage.post("/v1/executions", &body).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(problem(response).await.status, 503);
    let response = stage.get(&format!("/v1/executions/{id}")).await;
    assert_eq!(problem(response).await.code, "log_unavailable");
    let ready = stage.get("/readyz?verbose").await;
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(ready["checks"][0]["name"], json!("nats"));
    assert_eq!(ready["checks"][0]["ok"], json!(false));
    assert_eq!(stage.get("/livez").await.status(), 200);
    stage.servers.nats().restart().await.unwrap();
    while stage.get("/readyz").await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stage.post("/v1/executions", &body).await.status(), 202);
    assert_eq!(
        stage.get(&format!("/v1/executions/{id}")).await.status(),
        200
    );
}

#[tokio::test]
async fn an_edge_that_stops_says_so_first_and_ends_its_streams() {
    let mut stage = Stage::start().await;
    let id = stage.submit().await;
    let mut viewer = Viewer::open(&stage, id, None).await;
    assert_eq!(viewer.next_name().await, "submitted");
    let body = serde_json::to_value(program()).unwrap();
    let (waiting, rest, ()) = tokio::join!(
        stage
            .http
            .post(stage.url("/v1/executions?wait=60s"))
            .json(&body)
            .send(),
        async {
            let mut events = Vec::new();
            while let Some(event) = viewer.next().await {
                events.push(event);
            }
            (events, viewer.retry.clone())
        },
        async {
            while stage.events_in_log().await < 2 {}
            stage.tell_edge_to_stop();
        },
    );
    // Whoever waits gets the id, to ask elsewhere.
    assert_eq!(waiting.unwrap().status(), 202);
    let (events, retry) = rest;
    assert_eq!(events.len(), 1);
    let told = serde_json::to_value(&events[0].message).unwrap();
    assert_eq!(told["type"], "resume");
    assert_eq!(retry.as_deref(), Some("1000"));
    stage.stop_edge().await;
    let refused = stage.http.get(stage.url("/livez")).send().await;
    assert!(refused.is_err());
}

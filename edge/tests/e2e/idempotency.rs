//! The header `Idempotency-Key`.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::{Method, Response};
use runlog_schemas::api::{Accepted, BatchItem, BatchReply, Completed};
use runlog_schemas::{ExecutionId, subject};
use serde_json::{Value, json};

use crate::history::{project, purge};
use crate::script::Script;
use crate::stage::{Stage, problem};

const PATH: &str = "/v1/executions";

fn program(session: Option<&str>) -> Value {
    json!({ "language": "python", "source": "print(1)", "session": session })
}

async fn send(stage: &Stage, path: &str, key: &str, body: &Value) -> Response {
    let request = stage.request(Method::POST, path).json(body);
    request.header("idempotency-key", key).send().await.unwrap()
}

async fn accepted(response: Response) -> ExecutionId {
    assert_eq!(response.status(), 202);
    response.json::<Accepted>().await.unwrap().id
}

#[tokio::test]
async fn the_same_request_under_the_same_key_is_done_once() {
    let stage = Stage::start().await;
    let first = send(&stage, PATH, "k", &program(None)).await;
    assert!(first.headers().get("idempotency-replayed").is_none());
    let id = accepted(first).await;
    let again = stage
        .request(Method::POST, PATH)
        .header("idempotency-key", "k")
        .header("content-type", "application/json")
        .body(r#"{"session":null, "source" : "print(1)", "language":"python"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(accepted(again).await, id);
    let mut other = program(None);
    other["source"] = json!("print(2)");
    let refused = problem(send(&stage, PATH, "k", &other).await).await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (409, "idempotency_key_reused")
    );
    assert!(
        refused.detail.contains(&id.to_string()),
        "{}",
        refused.detail
    );
    assert_eq!(stage.events_in_log().await, 1);
    let elsewhere = accepted(send(&stage, PATH, "k", &program(Some("s"))).await).await;
    assert_ne!(elsewhere, id, "another session has other keys");
    // Once it has ended, whoever asks again and waits is told how.
    Script::start(&stage.log, id).await.exit(3).await;
    let ended = send(&stage, &format!("{PATH}?wait=10s"), "k", &program(None)).await;
    assert_eq!(ended.headers()["idempotency-replayed"], "true");
    assert_eq!(ended.json::<Completed>().await.unwrap().execution.id, id);
}

#[tokio::test]
async fn of_two_hundred_at_once_on_two_edges_one_is_done() {
    let mut stage = Stage::start().await;
    let second = stage.second_edge().await;
    let urls = [stage.url(PATH), format!("http://{second}{PATH}")];
    let body = program(Some("s"));
    let sent = (0..200).map(|number| {
        let request = stage.http.post(&urls[number % 2]).json(&body);
        request.header("idempotency-key", "k").send()
    });
    let mut ids = HashSet::new();
    let mut first = 0;
    for response in join_all(sent).await {
        let response = response.unwrap();
        first += usize::from(response.headers().get("idempotency-replayed").is_none());
        ids.insert(accepted(response).await);
    }
    assert_eq!(ids.len(), 1, "all got the same execution");
    assert_eq!(first, 1, "one was told that it was the first");
    assert_eq!(stage.events_in_log().await, 1, "and the log has one");
}

#[tokio::test]
async fn a_key_that_is_none_is_named_and_nothing_is_done() {
    let stage = Stage::start().await;
    let long = "x".repeat(256);
    let batch = json!({ "executions": [program(None)] });
    for key in ["", "a\tb", "\u{fc}", long.as_str()] {
        for (path, body) in [(PATH, &program(None)), ("/v1/executions/batch", &batch)] {
            let refused = problem(send(&stage, path, key, body).await).await;
            assert_eq!(refused.status, 400, "{key:?}");
            assert_eq!(refused.code, "invalid_idempotency_key");
            assert_eq!(refused.fields[0].field, "Idempotency-Key");
            assert!(refused.fields[0].allowed.contains("1 to 255"));
        }
    }
    assert_eq!(stage.events_in_log().await, 0);
}

#[tokio::test]
async fn in_a_batch_a_key_counts_for_each_program() {
    let stage = Stage::start().await;
    let path = "/v1/executions/batch";
    let programs = |sources: &[&str]| {
        let of = |source: &&str| json!({ "language": "python", "source": source });
        json!({ "executions": sources.iter().map(of).collect::<Vec<_>>() })
    };
    let ask = async |sources: &[&str]| {
        let answer = send(&stage, path, "k", &programs(sources)).await;
        let reply: BatchReply = answer.json().await.unwrap();
        let outcome = |item: BatchItem| match item {
            BatchItem::Accepted(accepted) => Ok(accepted.id),
            BatchItem::Refused(problem) => Err(problem.code),
        };
        reply
            .executions
            .into_iter()
            .map(outcome)
            .collect::<Vec<_>>()
    };
    let first = ask(&["1", "1", "2"]).await;
    let ids: HashSet<_> = first.iter().map(|it| it.clone().unwrap()).collect();
    assert_eq!(ids.len(), 3, "the same program twice is two programs");
    assert_eq!(ask(&["1", "1", "2"]).await, first);
    let reused = Err("idempotency_key_reused".to_owned());
    assert_eq!(
        ask(&["1", "3", "2"]).await,
        [first[0].clone(), reused, first[2].clone()]
    );
    assert_eq!(stage.events_in_log().await, 3);
}

#[tokio::test]
async fn a_snippet_is_shared_once_under_a_key() {
    let mut stage = Stage::start().await;
    let second = stage.second_edge().await;
    let path = "/v1/snippets";
    let body = json!({ "language": "python", "source": "print(1)" });
    let urls = [stage.url(path), format!("http://{second}{path}")];
    let sent = (0..20).map(|number| {
        let request = stage.http.post(&urls[number % 2]).json(&body);
        request.header("idempotency-key", "k").send()
    });
    let mut ids = HashSet::new();
    for response in join_all(sent).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 201);
        ids.insert(response.json::<Value>().await.unwrap()["id"].to_string());
    }
    assert_eq!(ids.len(), 1);
    let bounds = stage.log.bounds(subject::SNIPPETS).await.unwrap();
    assert_eq!(bounds.messages, 1);
    let other = json!({ "language": "python", "source": "print(2)" });
    let refused = problem(send(&stage, path, "k", &other).await).await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (409, "idempotency_key_reused")
    );
    assert_eq!(send(&stage, path, "", &other).await.status(), 400);
}

#[tokio::test]
async fn a_key_outlives_the_log_where_there_is_a_history() {
    let mut stage = Stage::with_history().await;
    let id = accepted(send(&stage, PATH, "k", &program(None)).await).await;
    Script::start(&stage.log, id).await.exit(0).await;
    project(&mut stage, id, None).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    let before = stage.events_in_log().await;
    assert_eq!(
        accepted(send(&stage, PATH, "k", &program(None)).await).await,
        id
    );
    let mut other = program(None);
    other["args"] = json!(["x"]);
    assert_eq!(send(&stage, PATH, "k", &other).await.status(), 409);
    assert_eq!(stage.events_in_log().await, before);
    // Without it the log alone decides, and that has forgotten the key.
    stage.servers.postgres().kill().await.unwrap();
    assert_eq!(accepted(send(&stage, PATH, "k", &other).await).await, id);
    assert_eq!(stage.events_in_log().await, before + 1);
}

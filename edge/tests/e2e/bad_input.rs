//! Every row of the table of bad input: what is answered, and that nothing is in the log.

use reqwest::{Method, StatusCode};
use runlog_schemas::api::Problem;
use serde_json::{Value, json};

use crate::stage::{Stage, problem};

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({ "language": "python", "source": "print(1)" });
    body[field] = value;
    body
}

fn with_file(name: &str) -> Value {
    json!({ "language": "python", "files": [{ "name": name, "content": "" }] })
}

async fn refused(stage: &Stage, body: &Value) -> Problem {
    problem(stage.post("/v1/executions", body).await).await
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line for each row of the table")]
async fn what_makes_no_sense_is_named_and_stays_out_of_the_log() {
    let stage = Stage::start().await;
    let long = "x".repeat(256);
    let language = |language: &str| json!({ "language": language, "source": "" });
    for (body, status, code, field) in [
        (language("pyton"), 422, "unknown_language", "language"),
        (language("cobol"), 422, "language_unavailable", "language"),
        (
            with("limits", json!({"wall_ms": 99})),
            422,
            "invalid_request",
            "limits.wall_ms",
        ),
        (
            with("limits", json!({"wall_ms": 60_001})),
            422,
            "invalid_request",
            "limits.wall_ms",
        ),
        (
            with("limits", json!({"memory_mb": 31})),
            422,
            "invalid_request",
            "limits.memory_mb",
        ),
        (
            with("limits", json!({"wall_ms": -1})),
            422,
            "invalid_request",
            "limits.wall_ms",
        ),
        (
            json!({"language": "python"}),
            422,
            "invalid_request",
            "files",
        ),
        (with_file(".."), 422, "invalid_request", "files[0].name"),
        (with_file("a/b"), 422, "invalid_request", "files[0].name"),
        (with_file("/a"), 422, "invalid_request", "files[0].name"),
        (with_file("a\0b"), 422, "invalid_request", "files[0].name"),
        (with_file(&long), 422, "invalid_request", "files[0].name"),
        (
            with("entry", json!("other")),
            422,
            "invalid_request",
            "entry",
        ),
        (
            with("colour", json!("red")),
            422,
            "invalid_request",
            "colour",
        ),
        (with("source", json!(5)), 422, "invalid_request", "source"),
        (
            with("priority", json!("urgent")),
            422,
            "invalid_request",
            "priority",
        ),
        (json!({}), 422, "invalid_request", "language"),
        (json!([]), 422, "invalid_request", "body"),
    ] {
        let refused = refused(&stage, &body).await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (status, code),
            "{body}"
        );
        assert_eq!(refused.fields[0].field, field, "{body}");
        assert!(!refused.fields[0].given.is_empty(), "{body}");
        assert!(!refused.fields[0].allowed.is_empty(), "{body}");
    }
    assert_eq!(stage.events_in_log().await, 0);
}

#[tokio::test]
async fn a_language_that_nobody_reported_may_come_later() {
    let stage = Stage::start().await;
    let body = json!({ "language": "go", "source": "" });
    let response = stage.post("/v1/executions", &body).await;
    assert_eq!(response.headers()["retry-after"], "2");
    let refused = problem(response).await;
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (503, "language_not_reported")
    );
    assert_eq!(stage.events_in_log().await, 0);
}

#[tokio::test]
async fn a_refusal_says_what_is_allowed() {
    let stage = Stage::start().await;
    let told = refused(&stage, &json!({ "language": "pyton", "source": "" })).await;
    assert!(
        told.fields[0].allowed.contains("did you mean python?"),
        "{told:?}"
    );
    let told = refused(&stage, &json!({ "language": "cobol", "source": "" })).await;
    assert!(told.detail.contains("no cobc in PATH"), "{told:?}");
    let told = refused(&stage, &with("limits", json!({"memory_mb": 9}))).await;
    assert_eq!(told.fields[0].given, "9");
    assert_eq!(told.fields[0].allowed, "32 to 2048");
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_json_is_refused() {
    let stage = Stage::start().await;
    let post = async |content_type: Option<&str>, body: Vec<u8>| {
        let mut request = stage.request(Method::POST, "/v1/executions").body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        problem(request.send().await.unwrap()).await
    };
    let large = serde_json::to_vec(&with("source", json!("x".repeat(1 << 20)))).unwrap();
    for (content_type, body, status, code) in [
        (
            Some("application/json"),
            large.clone(),
            413,
            "body_too_large",
        ),
        (
            Some("application/json"),
            b"print(1)".to_vec(),
            400,
            "malformed_json",
        ),
        (Some("application/json"), Vec::new(), 400, "malformed_json"),
        (Some("application/json"), vec![0xff], 400, "malformed_json"),
        (Some("text/plain"), b"{}".to_vec(), 415, "not_json"),
        (None, b"{}".to_vec(), 415, "not_json"),
    ] {
        let refused = post(content_type, body).await;
        assert_eq!((refused.status, refused.code.as_str()), (status, code));
    }
    // Without a length given in front.
    let pieces = large
        .chunks(10_000)
        .map(|it| Ok::<_, std::io::Error>(it.to_vec()));
    let pieces: Vec<_> = pieces.collect();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let request = stage.request(Method::POST, "/v1/executions");
    let request = request
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(problem(request.send().await.unwrap()).await.status, 413);
    assert_eq!(stage.events_in_log().await, 0);
}

#[tokio::test]
async fn an_unknown_id_is_404_and_a_malformed_one_400_everywhere() {
    let stage = Stage::start().await;
    for (id, status, code) in [
        (
            "01941f29-7c00-7000-8000-000000000001",
            404,
            "no_such_execution",
        ),
        ("1", 400, "malformed_id"),
        ("01941f297c0070008000000000000001", 400, "malformed_id"),
        ("%00", 400, "malformed_id"),
    ] {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::GET, "/output"),
            (Method::GET, "/events"),
            (Method::GET, "/recording"),
            (Method::POST, "/cancel"),
        ] {
            let path = format!("/v1/executions/{id}{rest}");
            let response = stage.request(method, &path).send().await.unwrap();
            let refused = problem(response).await;
            assert_eq!(
                (refused.status, refused.code.as_str()),
                (status, code),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn paths_methods_and_queries_that_do_not_exist_are_told() {
    let stage = Stage::start().await;
    let send = async |method: Method, path: &str| stage.request(method, path).send().await.unwrap();
    for path in ["/v2/executions", "/v1/executions/x/y", "/v1", "//"] {
        let refused = problem(send(Method::GET, path).await).await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (404, "no_such_path"),
            "{path}"
        );
    }
    for (method, path, allow) in [
        (Method::PUT, "/v1/executions", "GET, POST"),
        (Method::DELETE, "/v1/executions/x", "GET"),
        (Method::GET, "/v1/executions/x/cancel", "POST"),
        (Method::POST, "/metrics", "GET"),
    ] {
        let response = send(method, path).await;
        assert_eq!(response.headers()["allow"], allow);
        let refused = problem(response).await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (405, "method_not_allowed"),
            "{path}"
        );
    }
    for (path, field) in [
        ("/v1/executions?limit=201", "limit"),
        ("/v1/executions?limit=0", "limit"),
        ("/v1/executions?after=x", "after"),
        ("/v1/executions?status=lost", "status"),
        ("/v1/executions?outcome=fine", "outcome"),
        ("/v1/executions?language=pyton", "language"),
        ("/v1/executions?since_ms=yesterday", "since_ms"),
        ("/v1/executions?session=a%20b", "session"),
        ("/v1/executions?colour=red", "colour"),
        ("/v1/languages?x=1", "x"),
    ] {
        let refused = problem(send(Method::GET, path).await).await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (400, "invalid_query"),
            "{path}"
        );
        assert_eq!(refused.fields[0].field, field);
    }
    let refused = problem(stage.post("/v1/executions?wait=61s", &json!({})).await).await;
    assert_eq!(refused.fields[0].field, "wait");
    let id = stage.submit().await;
    let response = send(Method::GET, &format!("/v1/executions/{id}/ws")).await;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(problem(response).await.code, "not_a_websocket");
}

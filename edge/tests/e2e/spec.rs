//! The description of the interface: that it has not changed unnoticed, and that everything in it
//! is there.

use std::collections::BTreeSet;

use reqwest::Method;
use runlog_schemas::file_chunks;
use serde_json::{Value, json};

use crate::script::Script;
use crate::stage::{Stage, program};

/// The description, as it was when somebody last looked at it.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[test]
fn the_description_is_the_one_that_was_looked_at() {
    let now = runlog_edge::openapi();
    let before = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    if before != now {
        std::fs::write(SNAPSHOT, &now).expect("the snapshot can be written");
        panic!("edge/openapi.json was out of date and has been written anew: look at it");
    }
}

#[tokio::test]
async fn every_operation_of_the_description_answers_as_it_says() {
    let stage = Stage::with_history().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("hi\n").await;
    for chunk in file_chunks("a".to_owned(), b"text") {
        script.chunk(chunk).await;
    }
    script.exit(0).await;
    let snippet = json!({ "execution_id": id });
    let snippet = stage.post("/v1/snippets", &snippet).await;
    let snippet = snippet.json::<Value>().await.unwrap()["id"].clone();
    let document = stage.get_json("/v1/openapi.json").await;
    let text: Value = serde_json::from_str(&runlog_edge::openapi()).unwrap();
    assert_eq!(document, text);
    let (mut called, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = match path.starts_with("/v1/snippets") {
                true => snippet.as_str().unwrap().to_owned(),
                false => id.to_string(),
            };
            let real = path.replace("{id}", &id).replace("{name}", "a");
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = stage.request(method.clone(), &real);
            if operation.get("requestBody").is_some() {
                let program = serde_json::to_value(program()).unwrap();
                request = request.json(&match path.rsplit('/').next() {
                    Some("batch") => json!({ "executions": [program] }),
                    Some("snippets") => json!({ "language": "c", "source": "" }),
                    Some("redrive" | "drop") => json!({ "all": true }),
                    Some("rerun") => json!({}),
                    _ => program,
                });
            }
            let response = request.send().await.unwrap();
            let status = response.status().as_u16().to_string();
            let described = &operation["responses"][&status];
            assert!(described.is_object(), "{method} {path} answers {status}");
            let content_type = response.headers().get("content-type");
            let content_type = content_type.map_or("", |it| it.to_str().unwrap());
            let content_type = content_type.split(';').next().unwrap();
            if let Some(content) = described["content"].as_object() {
                assert!(
                    content.contains_key(content_type),
                    "{method} {path}: {content_type}"
                );
            }
            assert!(!status.starts_with('5'), "{method} {path} answers {status}");
            called.insert(format!("{method} {path}"));
            names.insert(operation["operationId"].to_string());
        }
    }
    assert_eq!(called.len(), 29, "{called:?}");
    assert_eq!(names.len(), called.len(), "each has a name of its own");
}

#[tokio::test]
async fn metrics_count_routes_by_template_and_submissions_by_what_became_of_them() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    stage.get(&format!("/v1/executions/{id}")).await;
    stage.get("/no/such/path").await;
    let body = json!({ "language": "x'y", "source": "" });
    stage.post("/v1/executions", &body).await;
    let body = json!({ "language": "cobol", "source": "", "priority": "background" });
    stage.post("/v1/executions", &body).await;
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    for expected in [
        "http_request_duration_seconds_count{code=\"202\",method=\"POST\",route=\"/v1/executions\"} 1",
        "http_request_duration_seconds_count{code=\"200\",method=\"GET\",route=\"/v1/executions/{id}\"} 1",
        "http_request_duration_seconds_count{code=\"404\",method=\"GET\",route=\"unknown\"} 1",
        "submissions_total{language=\"python\",priority=\"api\",result=\"accepted\"} 1",
        "submissions_total{language=\"unknown\",priority=\"api\",result=\"refused\"} 1",
        "submissions_total{language=\"cobol\",priority=\"background\",result=\"refused\"} 1",
    ] {
        assert!(metrics.contains(expected), "{expected}\n{metrics}");
    }
}

#[tokio::test]
async fn languages_are_listed_with_version_or_reason() {
    let stage = Stage::start().await;
    let languages = stage.get_json("/v1/languages").await;
    let told: Vec<Value> = languages["languages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            json!([
                it["id"],
                it["available"],
                it["version"],
                it["unavailable_because"]
            ])
        })
        .collect();
    let expected = [
        json!(["c", true, "12.2.0", null]),
        json!(["cobol", false, null, "no cobc in PATH"]),
        json!(["go", false, null, "no worker has reported it yet"]),
        json!(["python", true, "3.11.2", null]),
    ];
    assert_eq!(told, expected);
    assert_eq!(languages["languages"][0]["hello_world"], "say hello");
    assert_eq!(
        languages["languages"][0]["compiler_options"],
        json!(["-O2", "-D…"])
    );
}

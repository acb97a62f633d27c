//! `POST /v1/executions/{id}/rerun`

use reqwest::{Method, Response};
use runlog_schemas::api::{Accepted, ExecutionView};
use runlog_schemas::{ChunkKind, Data, ExecutionId, Priority, Repeats, Submission, subject};
use serde_json::{Value, json};

use crate::history::{project, purge};
use crate::script::Script;
use crate::stage::{Stage, problem};
use crate::workers::worker;

async fn ask(stage: &Stage, id: ExecutionId, body: &Value) -> Response {
    stage
        .post(&format!("/v1/executions/{id}/rerun"), body)
        .await
}

async fn again(stage: &Stage, id: ExecutionId, body: &Value) -> (ExecutionId, Submission) {
    let response = ask(stage, id, body).await;
    assert_eq!(response.status(), 202);
    let id = response.json::<Accepted>().await.unwrap().id;
    let stored = stage.log.read_submission(id).await.unwrap().unwrap();
    (id, stored.submission)
}

async fn submit(stage: &Stage, body: &Value) -> (ExecutionId, Submission) {
    let response = stage.post("/v1/executions", body).await;
    let id = response.json::<Accepted>().await.unwrap().id;
    let stored = stage.log.read_submission(id).await.unwrap().unwrap();
    (id, stored.submission)
}

#[tokio::test]
async fn the_same_runs_again_and_names_what_it_repeats() {
    let stage = Stage::start().await;
    let body = json!({
        "language": "c", "source": "x", "args": ["a"], "env": {"A": "b"}, "stdin": "in",
        "compiler_options": ["-O2"], "limits": {"wall_ms": 700}, "session": "s",
    });
    let (id, before) = submit(&stage, &body).await;
    let (rerun, after) = again(&stage, id, &json!({})).await;
    let expected = Submission {
        repeats: Some(Repeats::Rerun { of: id }),
        ..before
    };
    assert_eq!(after, expected);
    let shown = stage.get_json(&format!("/v1/executions/{rerun}")).await;
    let shown: ExecutionView = serde_json::from_value(shown).unwrap();
    assert_eq!(shown.rerun_of, Some(id));
    let other = json!({ "priority": "background", "session": "t" });
    let (_, after) = again(&stage, id, &other).await;
    assert_eq!(
        (after.priority, after.session.as_deref()),
        (Priority::Background, Some("t"))
    );
    let unknown = "01941f29-7c00-7000-8000-000000000001".parse().unwrap();
    assert_eq!(ask(&stage, unknown, &json!({})).await.status(), 404);
    assert_eq!(
        ask(&stage, id, &json!({ "session": "a b" })).await.status(),
        422
    );
}

#[tokio::test]
async fn what_was_typed_is_its_input() {
    let stage = Stage::start().await;
    let body = json!({ "language": "python", "source": "", "stdin": "a\n", "interactive": true });
    let (id, _) = submit(&stage, &body).await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("?").await;
    for typed in ["b\n", "c\n"] {
        let data = Data::from(typed);
        script.chunk(ChunkKind::Input { data }).await;
    }
    script.exit(0).await;
    let (_, after) = again(&stage, id, &json!({})).await;
    assert_eq!(after.stdin, Some(Data::from("a\nb\nc\n")));
    assert!(!after.interactive);
}

#[tokio::test]
async fn another_version_must_be_there_and_another_language_must_take_it() {
    let stage = Stage::start().await;
    let (id, _) = submit(&stage, &json!({ "language": "python", "source": "x" })).await;
    let asked = json!({ "against": "python@3.12.1" });
    let refused = problem(ask(&stage, id, &asked).await).await;
    assert_eq!(
        (refused.status, refused.fields[0].field.as_str()),
        (422, "against")
    );
    stage
        .log
        .report_worker(&worker("a", "3.11.2"))
        .await
        .unwrap();
    loop {
        let refused = problem(ask(&stage, id, &asked).await).await;
        if refused.fields[0].allowed.contains("python@3.11.2") {
            break;
        }
    }
    stage
        .log
        .report_worker(&worker("b", "3.12.1"))
        .await
        .unwrap();
    while ask(&stage, id, &asked).await.status() != 202 {}
    let (rerun, after) = again(&stage, id, &asked).await;
    assert_eq!(after.toolchain_version.as_deref(), Some("3.12.1"));
    let shown = stage.get_json(&format!("/v1/executions/{rerun}")).await;
    assert_eq!(shown["toolchain_version"], "3.12.1");
    let (_, after) = again(&stage, id, &json!({ "against": "c-alias" })).await;
    assert_eq!(
        (after.language.as_str(), after.toolchain_version),
        ("c", None)
    );
    assert_eq!(after.repeats, Some(Repeats::Rerun { of: id }));
    let (c, _) = submit(
        &stage,
        &json!({ "language": "c", "source": "x", "compiler_options": ["-O2"] }),
    )
    .await;
    let refused = problem(ask(&stage, c, &json!({ "against": "python" })).await).await;
    assert_eq!(refused.fields[0].field, "compiler_options[0]");
    for against in ["cobol", "pyton", "pyton@1", "@", ""] {
        let refused = ask(&stage, id, &json!({ "against": against })).await;
        assert_eq!(refused.status(), 422, "{against}");
    }
}

#[tokio::test]
async fn a_key_makes_one_of_many_and_the_history_has_what_the_log_lost() {
    let mut stage = Stage::with_history().await;
    let (id, _) = submit(&stage, &json!({ "language": "python", "source": "x" })).await;
    Script::start(&stage.log, id).await.exit(0).await;
    project(&mut stage, id, None).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    let path = format!("/v1/executions/{id}/rerun");
    let keyed = async |body: &Value| {
        let request = stage.request(Method::POST, &path).json(body);
        request.header("idempotency-key", "k").send().await.unwrap()
    };
    let first: Accepted = keyed(&json!({})).await.json().await.unwrap();
    let second: Accepted = keyed(&json!({})).await.json().await.unwrap();
    assert_eq!(first, second);
    assert_eq!(
        keyed(&json!({ "priority": "background" })).await.status(),
        409
    );
    let body = json!({ "language": "python", "source": "x" });
    let request = stage.request(Method::POST, "/v1/executions").json(&body);
    let other = request.header("idempotency-key", "k").send().await.unwrap();
    assert_eq!(other.status(), 409, "a submission is no rerun");
}

//! `POST /v1/snippets`, `GET /v1/snippets/{id}`: programs that are shared.

use reqwest::{Method, Response};
use runlog_schemas::api::{ExecutionView, SnippetCreated, SnippetView};
use runlog_schemas::{Data, SnippetId, encode_snippet, subject};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::history::{client, project, purge};
use crate::script::Script;
use crate::stage::{Stage, problem};

async fn share(stage: &Stage, body: &Value) -> SnippetCreated {
    let response = stage.post("/v1/snippets", body).await;
    assert_eq!(response.status(), 201);
    response.json().await.unwrap()
}

async fn read(stage: &Stage, id: SnippetId) -> SnippetView {
    let response = stage.get(&format!("/v1/snippets/{id}")).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The fields that a refusal names.
async fn named(response: Response) -> Vec<String> {
    assert_eq!(response.status(), 422);
    let problem = problem(response).await;
    problem.fields.into_iter().map(|it| it.field).collect()
}

/// Keeps a snippet as the projector would.
async fn keep(stage: &mut Stage, id: SnippetId) {
    let recorded = stage.log.read_snippet(id).await.unwrap().unwrap();
    let body = zstd::encode_all(encode_snippet(&recorded.event).as_slice(), 1).unwrap();
    let client = client(&stage.servers.postgres().connection_string()).await;
    let sql = "INSERT INTO runlog.snippets VALUES ($1, 1, NULL, $2)";
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
        [&Uuid::from_u128(id.bits()), &body];
    client.execute(sql, &parameters).await.unwrap();
}

#[tokio::test]
async fn what_is_shared_is_in_the_log_and_read_at_once_and_for_good() {
    let stage = Stage::start().await;
    let body = json!({
        "title": "Two files, ü",
        "language": "c-alias",
        "files": [{"name": "a.x", "content": "1"}, {"name": "b.x", "data": {"base64": "/w=="}}],
        "entry": "a.x",
        "args": ["x"],
        "env": {"A": "B"},
        "compiler_options": ["-DX=1"],
        "stdin": "in",
        "interactive": true,
        "terminal": {"columns": 80, "rows": 24},
        "limits": {"wall_ms": 500},
    });
    let response = stage.post("/v1/snippets", &body).await;
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let created: SnippetCreated = response.json().await.unwrap();
    assert_eq!(location, created.links.this);
    assert_eq!(created.links.page, format!("/s/{}", created.id));
    assert_eq!(created.links.recording, None);
    assert!(stage.log.read_snippet(created.id).await.unwrap().is_some());

    let response = stage.get(&location).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert!(header("cache-control").contains("immutable"));
    let tag = header("etag");
    let view: SnippetView = response.json().await.unwrap();
    assert_eq!(view.id, created.id);
    assert_eq!(view.title.as_deref(), Some("Two files, ü"));
    assert_eq!((view.language.as_str(), view.entry.as_str()), ("c", "a.x"));
    assert_eq!(view.files[1].content, Data(vec![0xff]));
    assert_eq!(view.args, ["x"]);
    assert_eq!(view.env["A"], "B");
    assert_eq!(view.compiler_options, ["-DX=1"]);
    assert_eq!(view.stdin, Some(Data::from("in")));
    assert!(view.interactive && view.terminal.is_some());
    assert_eq!((view.limits.wall_ms, view.limits.memory_mb), (500, 256));
    assert_eq!((view.execution_id, view.same_program), (None, None));
    assert!(view.created_at_ms > 1_700_000_000_000);

    let again = stage
        .request(Method::GET, &location)
        .header("if-none-match", &tag)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (again.status().as_u16(), again.headers()["etag"] == tag),
        (304, true)
    );
    assert_eq!(again.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_execution_is_shared_by_its_id_and_told_from_a_program_that_was_edited_since() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let created = share(&stage, &json!({ "execution_id": id, "title": "mine" })).await;
    let recording = format!("/v1/executions/{id}/recording");
    assert_eq!(created.links.recording.as_ref(), Some(&recording));
    let view = read(&stage, created.id).await;
    assert_eq!(
        (view.execution_id, view.same_program),
        (Some(id), Some(true))
    );
    assert_eq!(view.title.as_deref(), Some("mine"));
    assert_eq!(view.files[0].content, Data::from("print(1)"));
    let run: ExecutionView = stage
        .get(&format!("/v1/executions/{id}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!((view.language, view.limits), (run.language, run.limits));

    for (source, same) in [("print(1)", true), ("print(2)", false)] {
        let body = json!({ "execution_id": id, "language": "python", "source": source });
        let view = read(&stage, share(&stage, &body).await.id).await;
        assert_eq!(
            (view.execution_id, view.same_program),
            (Some(id), Some(same))
        );
        assert_eq!(view.files[0].content, Data::from(source));
    }
}

#[tokio::test]
async fn ids_differ_and_say_nothing() {
    let stage = Stage::start().await;
    let body = json!({ "language": "python", "source": "" });
    let (first, second) = (share(&stage, &body).await.id, share(&stage, &body).await.id);
    // Of 128 random bits, more than 16 are the same in two ids and less than 112 are.
    let same = (first.bits() ^ second.bits()).count_zeros();
    assert!((16..112).contains(&same), "{first} {second}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_field_and_leaves_no_trace() {
    let stage = Stage::start().await;
    let nobody = "01941f29-7c00-7000-8000-000000000001";
    for (body, expected) in [
        (json!({}), vec!["language"]),
        (json!({ "title": "x" }), vec!["language"]),
        (json!({ "language": "python" }), vec!["files"]),
        (
            json!({ "language": "pyton", "source": "" }),
            vec!["language"],
        ),
        (
            json!({ "language": "python", "source": "", "title": "a\nb" }),
            vec!["title"],
        ),
        (
            json!({ "language": "python", "source": "", "title": "é".repeat(201) }),
            vec!["title"],
        ),
        (
            json!({ "language": "python", "source": "", "title": " " }),
            vec!["title"],
        ),
        (json!({ "execution_id": nobody }), vec!["execution_id"]),
        (
            json!({ "execution_id": nobody, "language": "python", "source": "",
                    "title": "", "limits": { "wall_ms": 1 } }),
            vec!["title", "limits.wall_ms", "execution_id"],
        ),
        (json!({ "execution_id": "x" }), vec!["execution_id"]),
        (
            json!({ "execution_id": nobody, "args": ["x"] }),
            vec!["language", "execution_id"],
        ),
        (
            json!({ "language": "python", "source": "", "priority": "api" }),
            vec!["priority"],
        ),
        (
            json!({ "language": "python", "files": [{ "name": "../x", "content": "" }] }),
            vec!["files[0].name"],
        ),
    ] {
        let response = stage.post("/v1/snippets", &body).await;
        assert_eq!(named(response).await, expected, "{body}");
    }
    let bounds = stage.log.bounds(subject::SNIPPETS).await.unwrap();
    assert_eq!(bounds.last_sequence, 0);
}

#[tokio::test]
async fn problems_have_the_codes_that_others_have() {
    let stage = Stage::start().await;
    let unknown = json!({ "language": "pyton", "source": "" });
    let unknown = stage.post("/v1/snippets", &unknown).await;
    assert_eq!(problem(unknown).await.code, "unknown_language");
    let large = json!({ "language": "python", "source": "x".repeat((1 << 20) + 1) });
    let large = stage.post("/v1/snippets", &large).await;
    assert_eq!(problem(large).await.code, "body_too_large");
    let query = stage.post("/v1/snippets?x=1", &json!({})).await;
    assert_eq!(problem(query).await.code, "invalid_query");
    let (id, nobody) = ("0".repeat(32), "01941f29-7c00-7000-8000-000000000001");
    for (method, path, status, code) in [
        (
            Method::GET,
            format!("/v1/snippets/{id}"),
            404,
            "no_such_snippet",
        ),
        (
            Method::GET,
            "/v1/snippets/x".to_owned(),
            400,
            "malformed_id",
        ),
        (
            Method::GET,
            format!("/v1/snippets/{nobody}"),
            400,
            "malformed_id",
        ),
        (
            Method::GET,
            format!("/v1/snippets/{id}?x"),
            400,
            "invalid_query",
        ),
        (
            Method::GET,
            "/v1/snippets".to_owned(),
            405,
            "method_not_allowed",
        ),
        (
            Method::DELETE,
            format!("/v1/snippets/{id}"),
            405,
            "method_not_allowed",
        ),
    ] {
        let response = stage.request(method, &path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(problem(response).await.code, code, "{path}");
    }
}

#[tokio::test]
async fn a_snippet_outlives_the_log_and_what_it_shows_too() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("hi\n").await;
    script.exit(0).await;
    let first = share(&stage, &json!({ "execution_id": id })).await.id;
    let before = read(&stage, first).await;
    keep(&mut stage, first).await;
    project(&mut stage, id, None).await;
    purge(&mut stage, subject::SNIPPETS).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    assert_eq!(read(&stage, first).await, before);
    // What ran is known to the history alone.
    let second = share(&stage, &json!({ "execution_id": id })).await.id;
    let after = read(&stage, second).await;
    assert_eq!(
        (&after.files, after.same_program),
        (&before.files, Some(true))
    );

    stage.servers.postgres().kill().await.unwrap();
    assert_eq!(read(&stage, second).await, after);
    let away = stage.get(&format!("/v1/snippets/{first}")).await;
    assert_eq!(problem(away).await.code, "history_unavailable");
    let unsure = json!({ "execution_id": id });
    let unsure = stage.post("/v1/snippets", &unsure).await;
    assert_eq!(problem(unsure).await.code, "history_unavailable");
    stage.servers.postgres().restart().await.unwrap();

    stage.servers.nats().kill().await.unwrap();
    assert_eq!(read(&stage, first).await, before);
    let away = stage.get(&format!("/v1/snippets/{second}")).await;
    assert_eq!(problem(away).await.code, "log_unavailable");
    let body = json!({ "language": "python", "source": "" });
    let away = stage.post("/v1/snippets", &body).await;
    assert_eq!(away.headers()["retry-after"], "2");
    assert_eq!(problem(away).await.code, "log_unavailable");
}

#[tokio::test]
async fn the_program_of_an_execution_is_what_was_sent() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let sent = crate::stage::program();
    let path = format!("/v1/executions/{id}/program");
    let view = stage.get_json(&path).await;
    assert_eq!(view["language"], json!(sent.language));
    assert_eq!(view["args"], json!(sent.args));
    assert_eq!(view["files"].as_array().unwrap().len(), 1);
    let nobody = runlog_schemas::ExecutionId::from_uuid(Uuid::from_u128(7));
    for (path, status) in [
        (format!("/v1/executions/{nobody}/program"), 404),
        ("/v1/executions/x/program".to_owned(), 400),
        (format!("{path}?x=1"), 400),
    ] {
        assert_eq!(stage.get(&path).await.status(), status, "{path}");
    }
}

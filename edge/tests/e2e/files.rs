//! `GET /v1/executions/{id}/files` and the files themselves.

use reqwest::{Method, Response};
use runlog_schemas::api::{FilesView, RecordingView, ViewerMessage};
use runlog_schemas::{ChunkKind, ExecutionId, LeftBecause, LeftFile, file_chunks, subject};
use serde_json::json;

use crate::history::{batches, project, purge};
use crate::script::Script;
use crate::sse::Viewer;
use crate::stage::{Stage, problem};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\xffpicture";

/// Names and bytes of all kinds.
fn odd() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("out/plot one.png", PNG.to_vec()),
        ("page.html", b"<script>alert(1)</script>".to_vec()),
        (
            "drawing.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
        ),
        ("empty", Vec::new()),
        ("large.bin", vec![0xfe; 300_000]),
        ("a\"\r\nX-Evil: 1\u{202e}.txt", b"odd".to_vec()),
        ("../../up", b"up".to_vec()),
    ]
}

/// Runs a program that leaves files with those names and bytes.
async fn leave(stage: &Stage, files: &[(&str, &[u8])]) -> ExecutionId {
    let body = json!({ "language": "python", "source": "", "output_files": ["."] });
    let response = stage.post("/v1/executions", &body).await;
    assert_eq!(response.status(), 202);
    let accepted: runlog_schemas::api::Accepted = response.json().await.unwrap();
    let mut script = Script::start(&stage.log, accepted.id).await;
    script.say("done\n").await;
    for (name, content) in files {
        for chunk in file_chunks((*name).to_owned(), content) {
            script.chunk(chunk).await;
        }
    }
    let left = LeftFile {
        name: "/etc/passwd".to_owned(),
        reason: LeftBecause::BadPath,
    };
    let left = vec![left];
    script.chunk(ChunkKind::FilesLeft { left, count: 3 }).await;
    script.exit(0).await;
    accepted.id
}

async fn list(stage: &Stage, id: ExecutionId) -> FilesView {
    let listed = stage.get(&format!("/v1/executions/{id}/files")).await;
    assert_eq!(listed.status(), 200);
    listed.json().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn files_are_listed_and_come_back_byte_for_byte_with_a_harmless_type() {
    let stage = Stage::start().await;
    let left = odd();
    let files: Vec<_> = left
        .iter()
        .map(|(name, it)| (*name, it.as_slice()))
        .collect();
    let id = leave(&stage, &files).await;
    let listed = list(&stage, id).await;
    assert!(listed.complete);
    assert_eq!((listed.left.len(), listed.left_count), (1, 3));
    assert_eq!(listed.left[0].reason, LeftBecause::BadPath);
    let types: Vec<&str> = listed
        .files
        .iter()
        .map(|it| it.media_type.as_str())
        .collect();
    let text = "text/plain; charset=utf-8";
    let bytes = "application/octet-stream";
    let expected = ["image/png", text, "image/svg+xml", text, bytes, text, text];
    assert_eq!(types, expected);
    let kinds = [
        "inline",
        "inline",
        "attachment",
        "inline",
        "attachment",
        "inline",
        "inline",
    ];
    for ((file, kind), (_, content)) in listed.files.iter().zip(kinds).zip(&left) {
        let response = stage.get(&file.link).await;
        assert_eq!(response.status(), 200, "{}", file.link);
        assert_eq!(header(&response, "content-type"), file.media_type);
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert!(header(&response, "content-security-policy").ends_with("sandbox"));
        let disposition = header(&response, "content-disposition");
        assert!(
            disposition.starts_with(&format!("{kind}; filename=")),
            "{disposition}"
        );
        assert!(
            !disposition.contains("..") && !disposition.contains('/'),
            "{disposition}"
        );
        assert!(response.headers().get("x-evil").is_none());
        let tag = header(&response, "etag").to_owned();
        assert_eq!(tag, format!("\"{}\"", file.sha256));
        assert_eq!(response.bytes().await.unwrap(), *content);
        let again = stage
            .request(Method::GET, &file.link)
            .header("if-none-match", tag);
        assert_eq!(again.send().await.unwrap().status(), 304);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let stage = Stage::start().await;
    let id = leave(&stage, &[("a", b"a")]).await;
    let path = format!("/v1/executions/{id}/files");
    let nobody = "/v1/executions/01941f29-7c00-7000-8000-000000000001/files";
    for (path, status, code) in [
        (format!("{path}/b"), 404, "no_such_file"),
        (format!("{path}/%ff"), 404, "no_such_file"),
        (format!("{path}/%zz"), 404, "no_such_file"),
        (format!("{path}/a/b"), 404, "no_such_path"),
        (format!("{path}?x=1"), 400, "invalid_query"),
        (format!("{path}/a?x=1"), 400, "invalid_query"),
        (nobody.to_owned(), 404, "no_such_execution"),
        (format!("{nobody}/a"), 404, "no_such_execution"),
        ("/v1/executions/x/files".to_owned(), 400, "malformed_id"),
    ] {
        let response = stage.get(&path).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(problem(response).await.code, code, "{path}");
    }
    let posted = stage.post(&path, &json!({})).await;
    assert_eq!(posted.status(), 405);
    let waiting = list(&stage, stage.submit().await).await;
    assert!(!waiting.complete && waiting.files.is_empty());
    for paths in [json!(["/a"]), json!(["a", "a"]), json!(["x"]), json!([""])] {
        let body = json!({ "language": "python", "source": "", "output_files": paths });
        let response = stage.post("/v1/executions", &body).await;
        let accepted = response.status() == 202;
        assert_eq!(accepted, paths == json!(["x"]), "{paths}");
        if !accepted {
            let fields = problem(response).await.fields;
            assert!(fields[0].field.starts_with("output_files["), "{fields:?}");
        }
    }
    let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
    let body = json!({ "language": "python", "source": "", "output_files": many });
    let response = stage.post("/v1/executions", &body).await;
    assert_eq!(problem(response).await.fields[0].field, "output_files");
}

#[tokio::test]
async fn who_watches_is_told_of_files_and_is_not_sent_them() {
    let stage = Stage::start().await;
    let id = leave(&stage, &[("a.png", PNG), ("b", b"text")]).await;
    let seen = Viewer::open(&stage, id, None).await.rest().await;
    let chunks = seen.iter().filter_map(|event| match &event.message {
        ViewerMessage::Output { batch, .. } => Some(batch.chunks.clone()),
        _ => None,
    });
    let shown: Vec<_> = chunks.flatten().collect();
    let path = format!("/v1/executions/{id}/recording");
    let recording: RecordingView = stage.get(&path).await.json().await.unwrap();
    for chunks in [shown, recording.chunks] {
        let names: Vec<_> = chunks
            .iter()
            .filter_map(|chunk| match &chunk.what {
                ChunkKind::File { name, .. } => Some(name.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(names, ["a.png", "b"]);
        assert!(chunks.iter().all(|chunk| match &chunk.what {
            ChunkKind::FileData { data } => data.0.is_empty(),
            _ => true,
        }));
        assert!(
            (0..)
                .zip(&chunks)
                .all(|(number, chunk)| chunk.number == number)
        );
    }
}

#[tokio::test]
async fn files_outlive_the_log_with_their_recording() {
    let mut stage = Stage::with_history().await;
    let id = leave(&stage, &[("a.png", PNG)]).await;
    let before = list(&stage, id).await;
    let recorded = batches(&stage, id).await;
    project(&mut stage, id, Some(&recorded)).await;
    purge(&mut stage, subject::OUTPUT).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    assert_eq!(list(&stage, id).await, before);
    let link = &before.files[0].link;
    assert_eq!(stage.get(link).await.bytes().await.unwrap(), PNG);
}

//! `POST /v1/executions`, `GET /v1/executions/{id}` and its output, recording and cancellation.

use reqwest::Method;
use runlog_nats::{BatchLimit, Freshness};
use runlog_schemas::api::{
    Accepted, BatchItem, BatchReply, Completed, ExecutionView, OutputView, RecordingView, Status,
};
use runlog_schemas::{ChunkKind, Data, Outcome, TerminalSize};
use serde_json::json;

use crate::script::Script;
use crate::stage::{Stage, problem, program};

#[tokio::test]
async fn what_was_accepted_is_in_the_log_and_found_at_once() {
    let stage = Stage::start().await;
    let response = stage
        .request(Method::POST, "/v1/executions")
        .header("x-request-id", "mine")
        .json(&json!({
            "language": "c-alias",
            "files": [{"name": "a.x", "content": "1"}, {"name": "b.x", "data": {"base64": "/w=="}}],
            "entry": "a.x",
            "args": ["x"],
            "env": {"A": "B"},
            "compiler_options": ["-DX=1"],
            "stdin": "in",
            "terminal": {"columns": 80, "rows": 24},
            "limits": {"wall_ms": 500},
            "priority": "interactive",
            "session": "s.1",
        }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["x-request-id"], "mine");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let accepted: Accepted = response.json().await.unwrap();
    assert_eq!(location, accepted.links.this);
    let view: ExecutionView = stage.get(&location).await.json().await.unwrap();
    assert_eq!(view.id, accepted.id);
    assert_eq!((view.status, view.language.as_str()), (Status::Queued, "c"));
    let stored = stage
        .log
        .read_submission(accepted.id)
        .await
        .unwrap()
        .unwrap();
    let submission = stored.submission;
    assert_eq!(submission.files[1].content, Data(vec![0xff]));
    assert_eq!(
        submission.terminal,
        Some(TerminalSize {
            columns: 80,
            rows: 24
        })
    );
    assert_eq!(submission.limits.wall_ms, 500);
    assert_eq!(submission.queue_limit_ms, 60_000);
    assert_eq!(submission.session.as_deref(), Some("s.1"));
    assert_eq!(stage.events_in_log().await, 1);
}

#[tokio::test]
async fn who_waits_gets_the_end_with_the_output_and_otherwise_the_id() {
    let stage = Stage::start().await;
    let body = serde_json::to_value(program()).unwrap();
    let response = stage.post("/v1/executions?wait=1ms", &body).await;
    assert_eq!(response.status(), 202);
    let waiting = stage.post("/v1/executions?wait=60s", &body);
    let working = async {
        // The one that is waited for is the second.
        let limit = BatchLimit {
            events: 10,
            bytes: 1 << 20,
        };
        let mut tail = stage.log.tail(1).await.unwrap();
        let mut stored = Vec::new();
        while stored.len() < 2 {
            stored.extend(tail.next_batch(limit).await.unwrap());
        }
        let mut script = Script::start(&stage.log, stored[1].id).await;
        script.say("hello\n").await;
        let data = Data(vec![0xff, 0]);
        script.chunk(ChunkKind::Stderr { data }).await;
        script.exit(3).await;
    };
    let (response, ()) = tokio::join!(waiting, working);
    assert_eq!(response.status(), 200);
    let completed: Completed = response.json().await.unwrap();
    assert_eq!(
        completed.execution.outcome,
        Some(Outcome::Exited { code: 3 })
    );
    assert_eq!(completed.output.stdout, Data::from("hello\n"));
    assert_eq!(completed.output.stderr, Data(vec![0xff, 0]));
    assert!(completed.output.complete);
}

#[tokio::test]
async fn output_and_recording_grow_while_it_runs_and_keep_every_byte() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let output = format!("/v1/executions/{id}/output");
    let view: OutputView = stage.get(&output).await.json().await.unwrap();
    assert_eq!((view.attempt, view.complete), (0, false));
    let mut script = Script::start(&stage.log, id).await;
    script.say("lost").await;
    script.retry().await;
    script.begin().await;
    script.say("<script>\0\r\n").await;
    script.stutter().await;
    let view: OutputView = stage.get(&output).await.json().await.unwrap();
    assert_eq!((view.attempt, view.complete), (2, false));
    assert_eq!(view.stdout, Data::from("<script>\0\r\n"));
    let data = Data::from("in\n");
    script.chunk(ChunkKind::Input { data }).await;
    script.say(b"\xff").await;
    script.exit(0).await;
    let raw = stage.get(&format!("{output}?stream=stdout")).await;
    assert_eq!(raw.headers()["content-type"], "application/octet-stream");
    assert_eq!(raw.headers()["x-content-type-options"], "nosniff");
    let disposition = format!("attachment; filename=\"{id}-stdout.txt\"");
    assert_eq!(raw.headers()["content-disposition"], disposition);
    assert_eq!(raw.bytes().await.unwrap().as_ref(), b"<script>\0\r\n\xff");
    let recording = format!("/v1/executions/{id}/recording");
    let view: RecordingView = stage.get(&recording).await.json().await.unwrap();
    assert_eq!(
        (view.attempt, view.complete, view.chunks.len()),
        (2, true, 3)
    );
    let cast = stage.get(&format!("{recording}?format=cast")).await;
    assert_eq!(cast.headers()["content-type"], "application/x-asciicast");
    let cast = cast.text().await.unwrap();
    let lines: Vec<serde_json::Value> = cast
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["version"], 2);
    assert_eq!(lines[2], json!([0.001, "i", "in\n"]));
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn a_cancel_ends_what_waits_asks_for_the_end_of_what_runs_and_is_late_afterwards() {
    let stage = Stage::start().await;
    let cancel = async |id| {
        stage
            .post(&format!("/v1/executions/{id}/cancel"), &json!({}))
            .await
    };
    let waiting = stage.submit().await;
    let response = cancel(waiting).await;
    assert_eq!(response.status(), 200);
    let view: ExecutionView = response.json().await.unwrap();
    assert_eq!(view.outcome, Some(Outcome::Cancelled));
    let refused = cancel(waiting).await;
    assert_eq!(refused.status(), 409);
    let refused = problem(refused).await;
    assert_eq!(refused.code, "already_ended");
    assert_eq!(refused.outcome, Some(Outcome::Cancelled));
    let running = stage.submit().await;
    let script = Script::start(&stage.log, running).await;
    let mut ear = stage.log.control_listen(running).await.unwrap();
    for _ in 0..2 {
        let response = cancel(running).await;
        assert_eq!(response.status(), 202);
        let view: ExecutionView = response.json().await.unwrap();
        assert_eq!((view.status, view.cancelling), (Status::Running, true));
        // The worker is told, and told again.
        ear.next().await.unwrap();
    }
    let folded = stage
        .log
        .read_execution(running, Freshness::Leader)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(folded.events.len(), 3, "it is asked for once");
    script.finish(Outcome::Cancelled).await;
    assert_eq!(cancel(running).await.status(), 409);
}

#[tokio::test]
async fn of_a_batch_each_is_accepted_or_refused_by_itself() {
    let stage = Stage::start().await;
    let good = serde_json::to_value(program()).unwrap();
    let mut programs = vec![good; 100];
    programs[3] = json!({"language": "pyton", "source": ""});
    programs[7] = json!({"language": "python", "source": "", "colour": "red"});
    programs[9] = json!(5);
    programs[11] = json!({"language": "cobol", "source": ""});
    let body = json!({ "executions": programs });
    let response = stage.post("/v1/executions/batch", &body).await;
    assert_eq!(response.status(), 200);
    let reply: BatchReply = response.json().await.unwrap();
    let mut refused = Vec::new();
    for (index, item) in reply.executions.iter().enumerate() {
        match item {
            BatchItem::Accepted(accepted) => {
                let found = stage.log.read_submission(accepted.id).await.unwrap();
                assert!(found.is_some(), "{index}");
            }
            BatchItem::Refused(problem) => refused.push((index, problem.code.as_str())),
        }
    }
    let expected = [
        (3, "unknown_language"),
        (7, "invalid_request"),
        (9, "invalid_request"),
        (11, "language_unavailable"),
    ];
    assert_eq!(refused, expected);
    assert_eq!(stage.events_in_log().await, 96);
    for count in [0, 1_001] {
        let body = json!({ "executions": vec![json!({}); count] });
        let refused = problem(stage.post("/v1/executions/batch", &body).await).await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (422, "invalid_request")
        );
    }
}

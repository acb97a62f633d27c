//! What comes from the database: history, and executions that have left the log.

use runlog_nats::Freshness;
use runlog_schemas::api::{ExecutionPage, ExecutionView, OutputView};
use runlog_schemas::{Data, Execution, ExecutionId, OutputBatch, encode_event, subject};
use serde_json::json;
use tokio_postgres::NoTls;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::script::Script;
use crate::sse::{Viewer, request, screen};
use crate::stage::{Stage, problem};

/// The tables, as the projector makes them.
const TABLES: [&str; 3] = [
    include_str!("../../../projector/migrations/V1__read_models.sql"),
    include_str!("../../../projector/migrations/V2__snippets.sql"),
    include_str!("../../../projector/migrations/V3__large_recordings.sql"),
];

pub(crate) async fn client(database: &str) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(database, NoTls).await;
    let (client, connection) = connected.expect("the database is there");
    #[expect(clippy::disallowed_methods, reason = "it ends with the client")]
    tokio::spawn(connection);
    client
}

/// Makes the tables.
pub(crate) async fn migrate(database: &str) {
    let client = client(database).await;
    let schema = "CREATE SCHEMA runlog; SET search_path = runlog;";
    let made = client
        .batch_execute(&format!("{schema}{}", TABLES.concat()))
        .await;
    made.expect("the tables can be made");
}

/// Writes an execution as the projector would.
pub(crate) async fn project(stage: &mut Stage, id: ExecutionId, recording: Option<&[OutputBatch]>) {
    let folded = stage.log.read_execution(id, Freshness::Leader).await;
    let folded = folded.unwrap().unwrap();
    let last = folded.events.last().unwrap().0;
    let body = zstd::encode_all(encode_event(&folded.events[0].1).as_slice(), 1).unwrap();
    let client = client(&stage.servers.postgres().connection_string()).await;
    client
        .batch_execute("SET search_path = runlog")
        .await
        .unwrap();
    insert(&client, id, &folded.execution, last).await;
    let sql = "INSERT INTO submissions VALUES ($1, $2)";
    client.execute(sql, &[&id.as_uuid(), &body]).await.unwrap();
    if let Some(batches) = recording {
        store_recording(&stage.servers.postgres().connection_string(), id, batches).await;
    }
}

/// Stores a recording as the projector would.
async fn store_recording(database: &str, id: ExecutionId, batches: &[OutputBatch]) {
    let client = client(database).await;
    let lines: String = batches
        .iter()
        .map(|batch| serde_json::to_string(batch).unwrap() + "\n")
        .collect();
    let body = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    let sql = "INSERT INTO runlog.recordings VALUES ($1, 1, 0, 0, true, NULL, $2)";
    client.execute(sql, &[&id.as_uuid(), &body]).await.unwrap();
}

pub(crate) async fn insert(
    client: &tokio_postgres::Client,
    id: ExecutionId,
    execution: &Execution,
    last: u64,
) {
    let origin = execution.origin.as_ref().unwrap();
    let end = execution.end();
    let state = if end.is_some() { "ended" } else { "queued" };
    let sql = "INSERT INTO executions (id, session, language, priority, state, outcome, attempts,
        submitted_at_ms, first_sequence, last_sequence, execution)
        VALUES ($1, $2, $3, 'api', $4, $5, 1, $6, 1, $7, $8)";
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 8] = [
        &id.as_uuid(),
        &origin.session,
        &origin.language,
        &state,
        &end.map(|end| end.outcome.name()),
        &i64::try_from(origin.submitted_at_ms).unwrap(),
        &i64::try_from(last).unwrap(),
        &Json(execution),
    ];
    client.execute(sql, &parameters).await.unwrap();
}

/// The output of an execution as the log has it.
pub(crate) async fn batches(stage: &Stage, id: ExecutionId) -> Vec<OutputBatch> {
    use futures_util::StreamExt as _;
    let read = stage.log.read_output(id, 0, Freshness::Leader);
    read.map(|batch| batch.unwrap().1).collect().await
}

/// Removes everything from a stream, as age would.
pub(crate) async fn purge(stage: &mut Stage, stream: &str) {
    let url = stage.servers.nats().url();
    let address = url.trim_start_matches("nats://").to_owned();
    // A few words of the protocol are enough.
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut nats = tokio::net::TcpStream::connect(address).await.unwrap();
    let purge = format!(
        "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\n\
         PUB $JS.API.STREAM.PURGE.{stream} answer 2\r\n{{}}\r\n"
    );
    nats.write_all(purge.as_bytes()).await.unwrap();
    let mut heard = String::new();
    while !heard.contains("\"success\":true") {
        let mut buffer = [0; 1024];
        let count = nats.read(&mut buffer).await.unwrap();
        assert!(count > 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_and_filters_filter() {
    let mut stage = Stage::with_history().await;
    let client = client(&stage.servers.postgres().connection_string()).await;
    client
        .batch_execute("SET search_path = runlog")
        .await
        .unwrap();
    let id = stage.submit().await;
    let folded = stage.log.read_execution(id, Freshness::Leader).await;
    let mut execution = folded.unwrap().unwrap().execution;
    let mut expected = Vec::new();
    for number in 0..25_u64 {
        let id = ExecutionId::from_uuid(Uuid::from_u128(u128::from(number)));
        let origin = execution.origin.as_mut().unwrap();
        // Several at the same moment, so that the id decides.
        origin.submitted_at_ms = 1_000 + number / 3;
        origin.session = Some(format!("s{}", number % 2));
        origin.language = if number < 20 { "python" } else { "c" }.to_owned();
        insert(&client, id, &execution, number + 1).await;
        expected.push(id);
    }
    expected.reverse();
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/executions?limit=4{after}");
        let page: ExecutionPage = stage.get(&path).await.json().await.unwrap();
        assert!(page.executions.len() <= 4);
        seen.extend(page.executions.iter().map(|it| it.id));
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    for (query, count) in [
        ("session=s0", 13),
        ("language=c", 5),
        ("language=c-alias", 5),
        ("language=c&session=s1", 2),
        ("status=queued", 25),
        ("status=ended", 0),
        ("outcome=exited", 0),
        ("since_ms=1008", 1),
        ("until_ms=1008", 24),
        ("since_ms=1001&until_ms=1002", 3),
    ] {
        let path = format!("/v1/executions?{query}");
        let page: ExecutionPage = stage.get(&path).await.json().await.unwrap();
        assert_eq!(page.executions.len(), count, "{query}");
        assert_eq!(page.next, None);
    }
}

#[tokio::test]
async fn output_that_has_left_the_log_comes_from_the_recording() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let live = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    for number in 0..10 {
        script.say(format!("{number}\n\0")).await;
    }
    script.exit(0).await;
    let seen = live.rest().await;
    let batches = batches(&stage, id).await;
    project(&mut stage, id, Some(&batches)).await;
    purge(&mut stage, subject::OUTPUT).await;
    stage.nothing_followed().await;
    let output: OutputView = stage
        .get(&format!("/v1/executions/{id}/output"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(output.stdout, Data(script.stdout()));
    let again = Viewer::open(&stage, id, None).await.rest().await;
    assert_eq!(screen(&again), screen(&seen));
    for (index, event) in seen.iter().enumerate() {
        let response = request(&stage, id, event.id.as_deref()).await;
        if index + 1 == seen.len() {
            assert_eq!(response.status(), 204);
            continue;
        }
        let rest = Viewer::of(response).rest().await;
        assert_eq!(
            screen(&[&seen[..=index], &rest].concat()),
            screen(&seen),
            "from {index}"
        );
    }
    // Without the recording the output is gone, and that is said.
    let client = client(&stage.servers.postgres().connection_string()).await;
    client
        .batch_execute("DELETE FROM runlog.recordings")
        .await
        .unwrap();
    let gone = stage.get(&format!("/v1/executions/{id}/output")).await;
    assert_eq!(problem(gone).await.code, "output_gone");
    let told = Viewer::open(&stage, id, None).await.rest().await;
    let told: Vec<String> = told
        .iter()
        .map(|event| serde_json::to_value(&event.message).unwrap())
        .map(|it| {
            it["code"]
                .as_str()
                .or(it["name"].as_str())
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(told, ["submitted", "started", "output_gone", "finished"]);
}

#[tokio::test]
async fn an_execution_that_has_left_the_log_is_found_shown_and_resumed() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let live = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    script.retry().await;
    script.begin().await;
    for number in 0..5 {
        script.say(format!("{number}\n")).await;
    }
    script.exit(4).await;
    let seen = live.rest().await;
    let path = format!("/v1/executions/{id}");
    let before: ExecutionView = stage.get(&path).await.json().await.unwrap();
    let batches = batches(&stage, id).await;
    project(&mut stage, id, Some(&batches)).await;
    purge(&mut stage, subject::OUTPUT).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    stage.nothing_followed().await;
    let after: ExecutionView = stage.get(&path).await.json().await.unwrap();
    assert_eq!(after, before);
    let again = Viewer::open(&stage, id, None).await.rest().await;
    assert_eq!(screen(&again), screen(&seen));
    for (index, event) in again.iter().enumerate() {
        let response = request(&stage, id, event.id.as_deref()).await;
        if index + 1 == again.len() {
            assert_eq!(response.status(), 204);
            continue;
        }
        let rest = Viewer::of(response).rest().await;
        assert_eq!(
            screen(&[&again[..=index], &rest].concat()),
            screen(&again),
            "from {index}"
        );
    }
    let late = stage.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(late.status(), 409);
}

#[tokio::test]
async fn an_end_without_its_recording_waits_for_the_log_that_is_away() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let other = stage.submit().await;
    let live = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    let mut others = Script::start(&stage.log, other).await;
    // Others write in between, so that the recording alone cannot tell the places in the log.
    for number in 0..5 {
        script.say(format!("{number}\n")).await;
        others.say("and").await;
    }
    script.exit(0).await;
    let seen = live.rest().await;
    stage.nothing_followed().await;
    project(&mut stage, id, None).await;
    let recording = batches(&stage, id).await;
    stage.servers.nats().kill().await.unwrap();
    // The history knows the end, and nobody has stored the recording yet.
    let refused = request(&stage, id, None).await;
    assert_eq!(problem(refused).await.code, "log_unavailable");
    store_recording(
        &stage.servers.postgres().connection_string(),
        id,
        &recording,
    )
    .await;
    let again = Viewer::open(&stage, id, None).await.rest().await;
    assert_eq!(screen(&again), screen(&seen));
    // Where somebody was whom the log told, the log knows alone.
    let middle = request(&stage, id, seen[3].id.as_deref()).await;
    assert_eq!(problem(middle).await.code, "log_unavailable");
    let over = request(&stage, id, seen.last().unwrap().id.as_deref()).await;
    assert_eq!(over.status(), 204);
    stage.servers.nats().restart().await.unwrap();
    stage.log.connected().await;
    // Whoever was told by the history goes on in the log.
    for (index, event) in again.iter().enumerate() {
        let response = loop {
            let response = request(&stage, id, event.id.as_deref()).await;
            if response.status() != 503 {
                break response;
            }
        };
        if index + 1 == again.len() {
            assert_eq!(response.status(), 204);
            continue;
        }
        let rest = Viewer::of(response).rest().await;
        let both = [&again[..=index], &rest].concat();
        assert_eq!(screen(&both), screen(&seen), "from {index}");
    }
}

#[tokio::test]
async fn without_the_database_everything_but_the_history_goes_on() {
    let mut stage = Stage::with_history().await;
    stage.servers.postgres().kill().await.unwrap();
    let id = stage.submit().await;
    let viewer = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("on").await;
    script.exit(0).await;
    assert_eq!(screen(&viewer.rest().await).1, b"on");
    let path = format!("/v1/executions/{id}");
    assert_eq!(stage.get(&path).await.status(), 200);
    assert_eq!(stage.get(&format!("{path}/output")).await.status(), 200);
    let refused = stage.get("/v1/executions").await;
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(problem(refused).await.code, "history_unavailable");
    let ready = stage.get("/readyz?verbose").await;
    assert_eq!(ready.status(), 200);
    let ready: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(
        (&ready["ready"], &ready["degraded"]),
        (&json!(true), &json!(true))
    );
    stage.servers.postgres().restart().await.unwrap();
    assert_eq!(stage.get("/v1/executions").await.status(), 200);
    let ready = stage.get_json("/readyz?verbose").await;
    assert_eq!(ready["degraded"], json!(false));
}

#[tokio::test]
async fn a_database_that_hangs_does_not_hang_the_edge() {
    let mut stage = Stage::with_history().await;
    assert_eq!(stage.get("/v1/executions").await.status(), 200);
    stage.servers.postgres().pause().unwrap();
    let refused = stage.get("/v1/executions").await;
    assert_eq!(problem(refused).await.code, "history_unavailable");
    stage.submit().await;
    stage.servers.postgres().resume().unwrap();
    assert_eq!(stage.get("/v1/executions").await.status(), 200);
}

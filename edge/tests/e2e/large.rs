//! Recordings that stand in the object store.

use runlog_nats::Freshness;
use runlog_schemas::api::{OutputView, RecordingView};
use runlog_schemas::{ChunkKind, Data, ExecutionId, encode_event, subject};
use sha2::{Digest as _, Sha256};

use crate::history::{batches, client, insert, purge};
use crate::script::Script;
use crate::sse::{Viewer, screen};
use crate::stage::{Stage, problem};

/// Keeps an execution as the projector would, with its recording in the object store.
async fn keep(stage: &mut Stage, id: ExecutionId) {
    let folded = stage.log.read_execution(id, Freshness::Leader).await;
    let folded = folded.unwrap().unwrap();
    let client = client(&stage.servers.postgres().connection_string()).await;
    client
        .batch_execute("SET search_path = runlog")
        .await
        .unwrap();
    let last = folded.events.last().unwrap().0;
    insert(&client, id, &folded.execution, last).await;
    let body = zstd::encode_all(encode_event(&folded.events[0].1).as_slice(), 1).unwrap();
    let sql = "INSERT INTO submissions VALUES ($1, $2)";
    client.execute(sql, &[&id.as_uuid(), &body]).await.unwrap();
    let name = put(stage, id).await;
    let sql = "INSERT INTO recordings VALUES ($1, 1, 0, 0, true, NULL, '', $2)";
    client.execute(sql, &[&id.as_uuid(), &name]).await.unwrap();
}

/// Puts its recording into the object store; its name there.
async fn put(stage: &Stage, id: ExecutionId) -> String {
    let lines: String = batches(stage, id)
        .await
        .iter()
        .map(|batch| serde_json::to_string(batch).unwrap() + "\n")
        .collect();
    let body = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    let name = format!("{id}-x");
    stage.log.put_object(&name, &body).await.unwrap();
    // Again, as after a crash between the two.
    stage.log.put_object(&name, &body).await.unwrap();
    name
}

#[tokio::test]
async fn a_large_recording_is_told_as_a_small_one_is() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    for number in 0..60 {
        // Characters of several bytes, some of them cut in two, and marks that JSON escapes.
        let text = format!("{number}: \"ä\u{1F980}\"\n\0").repeat(2_000);
        let (first, second) = text.as_bytes().split_at(100 * number + 5);
        script.say(first).await;
        script.say(second).await;
        let data = Data(vec![u8::try_from(number).unwrap() | 0x80; 7]);
        script.chunk(ChunkKind::Stderr { data }).await;
    }
    script.chunk(ChunkKind::Cut).await;
    for (name, content) in [("a.txt", &b"words"[..]), ("b/c", b"\x89PNG\r\n\x1a\n")] {
        let file = ChunkKind::File {
            name: name.to_owned(),
            bytes: content.len() as u64,
            sha256: sha256(content),
        };
        script.chunk(file).await;
        let data = Data(content.to_vec());
        script.chunk(ChunkKind::FileData { data }).await;
    }
    script.exit(0).await;
    let path = format!("/v1/executions/{id}");
    let parts = [
        "output",
        "output?stream=stdout",
        "output?stream=stderr",
        "output?stream=compiler",
        "recording",
        "recording?format=cast",
        "files",
        "files/a.txt",
        "files/b%2Fc",
    ];
    let mut answers = Vec::new();
    for part in parts {
        let answer = stage.get(&format!("{path}/{part}")).await;
        assert_eq!(answer.status(), 200, "{part}");
        answers.push((
            answer.headers()["content-type"].clone(),
            answer.bytes().await.unwrap(),
        ));
    }
    keep(&mut stage, id).await;
    for (part, (kind, content)) in parts.into_iter().zip(answers) {
        let answer = stage.get(&format!("{path}/{part}")).await;
        assert_eq!(answer.headers()["content-type"], kind, "{part}");
        let told = answer.bytes().await.unwrap();
        assert!(
            told == content,
            "{part}: {} of {} bytes",
            told.len(),
            content.len()
        );
    }
    purge(&mut stage, subject::OUTPUT).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    stage.nothing_followed().await;
    let seen = Viewer::open(&stage, id, None).await.rest().await;
    assert!(screen(&seen).1 == script.stdout());
}

fn sha256(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn history_and_replay_work_from_the_object_store_and_what_it_lost_is_said() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    for number in 0..40_u8 {
        // Several objects' pieces, and nothing that could be made smaller.
        let noise: Vec<u8> = (0..20_000_u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ number)
            .collect();
        script.say(noise).await;
    }
    script.exit(0).await;
    keep(&mut stage, id).await;
    purge(&mut stage, subject::OUTPUT).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    stage.nothing_followed().await;
    let path = format!("/v1/executions/{id}");
    let output: OutputView = stage
        .get(&format!("{path}/output"))
        .await
        .json()
        .await
        .unwrap();
    assert!(output.stdout == Data(script.stdout()));
    let recording: RecordingView = stage
        .get(&format!("{path}/recording"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(recording.chunks.len(), 40);
    let seen = Viewer::open(&stage, id, None).await.rest().await;
    assert!(screen(&seen).1 == script.stdout());

    purge(&mut stage, "OBJ_RECORDINGS").await;
    stage.nothing_followed().await;
    for part in ["output", "recording", "files"] {
        let gone = stage.get(&format!("{path}/{part}")).await;
        assert_eq!(gone.status(), 410);
        let problem = problem(gone).await;
        assert_eq!(problem.code, "output_gone");
        assert!(
            problem.detail.contains("object store"),
            "{}",
            problem.detail
        );
    }
    // How it went is known all the same.
    assert_eq!(stage.get(&path).await.status(), 200);
    let told = Viewer::open(&stage, id, None).await.rest().await;
    let told = format!("{told:?}");
    assert!(told.contains("output_gone") && told.contains("finished"));
}

#[tokio::test]
async fn a_large_download_is_sent_while_it_is_read_and_breaks_off_where_a_part_is_lost() {
    let mut stage = Stage::with_history().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    let mut state = 1_u64;
    for _ in 0..400 {
        // More than all buffers on the way hold, and nothing that could be made smaller.
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .take(100_000)
        .collect();
        script.say(noise).await;
    }
    script.exit(0).await;
    keep(&mut stage, id).await;
    let path = format!("/v1/executions/{id}");
    let whole = stage.get(&format!("{path}/output?stream=stdout")).await;
    assert_eq!(whole.content_length(), Some(40_000_000));
    assert!(whole.bytes().await.unwrap() == script.stdout().as_slice());

    for part in [
        "output?stream=stdout",
        "output",
        "recording",
        "recording?format=cast",
    ] {
        let mut broken = stage.get(&format!("{path}/{part}")).await;
        assert_eq!(broken.status(), 200);
        // The first of it is here before the last of it was read.
        let first = broken.chunk().await.unwrap().unwrap();
        purge(&mut stage, "OBJ_RECORDINGS").await;
        let mut read = first.len();
        let ended = loop {
            match broken.chunk().await {
                Ok(Some(piece)) => read += piece.len(),
                ended => break ended,
            }
        };
        assert!(ended.is_err(), "{part} ended well after {read} bytes");
        assert!(read < 40_000_000, "{part}");
        put(&stage, id).await;
    }
}

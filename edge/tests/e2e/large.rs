//! Recordings that stand in the object store.

use runlog_nats::Freshness;
use runlog_schemas::api::{OutputView, RecordingView};
use runlog_schemas::{Data, ExecutionId, encode_event, subject};

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
    let sql = "INSERT INTO recordings VALUES ($1, 1, 0, 0, true, NULL, '', $2)";
    client.execute(sql, &[&id.as_uuid(), &name]).await.unwrap();
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
    let path = format!("/v1/executions/{id}/output?stream=stdout");
    let whole = stage.get(&path).await;
    assert_eq!(whole.content_length(), Some(40_000_000));
    assert!(whole.bytes().await.unwrap() == script.stdout().as_slice());

    let mut broken = stage.get(&path).await;
    assert_eq!(broken.status(), 200);
    let first = broken.chunk().await.unwrap().unwrap();
    assert!(script.stdout().starts_with(&first));
    purge(&mut stage, "OBJ_RECORDINGS").await;
    let mut read = first.len();
    let ended = loop {
        match broken.chunk().await {
            Ok(Some(piece)) => read += piece.len(),
            ended => break ended,
        }
    };
    assert!(ended.is_err(), "it ended well after {read} bytes");
    assert!(read < 40_000_000);
}

//! `GET /v1/executions/{id}/events`

use std::time::Duration;

use futures_util::future::join_all;
use runlog_edge::EdgeConfig;
use runlog_nats::Freshness;
use runlog_schemas::api::{Status, ViewerMessage};
use runlog_schemas::{Chunk, ChunkKind, Data, Outcome, OutputBatch, Phase};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::script::Script;
use crate::sse::{Event, Viewer, request, screen};
use crate::stage::{Stage, problem, quick};

const LIFE: [&str; 3] = ["submitted", "started", "finished"];

#[tokio::test]
async fn viewers_who_come_early_late_and_afterwards_see_the_same() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let early = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("a\r\n\0data: x\n\n").await;
    script.stutter().await;
    script.say(b"\xff\xfe").await;
    let middle = Viewer::open(&stage, id, None).await;
    script.say("b").await;
    script.exit(0).await;
    let late = Viewer::open(&stage, id, None).await;
    let early = early.rest().await;
    let expected = (LIFE.map(str::to_owned).to_vec(), script.stdout());
    assert_eq!(screen(&early), expected);
    assert_eq!(middle.rest().await, early);
    assert_eq!(late.rest().await, early);
    stage.nothing_followed().await;
    assert_eq!(Viewer::open(&stage, id, None).await.rest().await, early);
}

#[tokio::test]
async fn the_view_in_each_event_is_as_of_that_event() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let script = Script::start(&stage.log, id).await;
    script.finish(Outcome::Signaled { signal: 9 }).await;
    let events = Viewer::open(&stage, id, None).await.rest().await;
    let views: Vec<_> = events
        .iter()
        .map(|event| match &event.message {
            ViewerMessage::Event { execution, .. } => (execution.status, execution.attempts.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (Status::Queued, 0),
        (Status::Running, 1),
        (Status::Ended, 1),
    ];
    assert_eq!(views, expected);
}

#[tokio::test]
async fn a_retry_clears_the_screen_for_everybody() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let live = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("first").await;
    script.retry().await;
    script.begin().await;
    script.say("second").await;
    script.exit(0).await;
    let names = ["submitted", "started", "retried", "started", "finished"];
    let expected = (names.map(str::to_owned).to_vec(), b"second".to_vec());
    assert_eq!(screen(&live.rest().await), expected);
    let late = Viewer::open(&stage, id, None).await.rest().await;
    assert_eq!(screen(&late), expected);
}

#[tokio::test]
async fn whoever_comes_back_goes_on_where_it_was_wherever_that_is() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let mut script = Script::new(&stage.log, id);
    let whole = Viewer::open(&stage, id, None).await;
    // Comes back after every event, while it runs and afterwards.
    let restless = async {
        let mut seen: Vec<Event> = Vec::new();
        loop {
            let last = seen.last().and_then(|event| event.id.clone());
            let response = request(&stage, id, last.as_deref()).await;
            if response.status() == 204 {
                return seen;
            }
            let next = Viewer::of(response).next().await;
            seen.push(next.expect("there is something behind every place but the last"));
        }
    };
    let working = async {
        script.begin().await;
        for number in 0..20 {
            script.say(format!("{number}\n")).await;
            if number % 3 == 0 {
                script.stutter().await;
            }
            if number == 9 {
                script.retry().await;
                script.begin().await;
            }
        }
        script.event(runlog_schemas::Change::CancelRequested).await;
        script.say("the end").await;
        script.finish(Outcome::Cancelled).await;
    };
    let (restless, ()) = tokio::join!(restless, working);
    let whole = whole.rest().await;
    assert_eq!(screen(&restless), screen(&whole));
    assert_eq!(screen(&whole).1, script.stdout());
    // And from every place again, now that it is over.
    for (index, event) in whole.iter().enumerate() {
        let response = request(&stage, id, event.id.as_deref()).await;
        if index + 1 == whole.len() {
            assert_eq!(response.status(), 204);
            continue;
        }
        let rest = Viewer::of(response).rest().await;
        let all = [&whole[..=index], &rest].concat();
        assert_eq!(screen(&all).1, script.stdout(), "from {index}");
    }
}

#[tokio::test]
async fn the_header_counts_before_the_query_and_both_must_be_cursors() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let script = Script::start(&stage.log, id).await;
    script.exit(0).await;
    let events = Viewer::open(&stage, id, None).await.rest().await;
    let first = events[0].id.clone().unwrap();
    let path = format!("/v1/executions/{id}/events?from={first}");
    let rest = Viewer::of(stage.get(&path).await).rest().await;
    assert_eq!(rest, events[1..]);
    let request = stage.request(reqwest::Method::GET, &path);
    let both = request.header("last-event-id", events[1].id.clone().unwrap());
    let rest = Viewer::of(both.send().await.unwrap()).rest().await;
    assert_eq!(rest, events[2..]);
    for from in ["1", "a-b-c", "1-2-3-4", "", "-1-2-3"] {
        let path = format!("/v1/executions/{id}/events?from={from}");
        let refused = problem(stage.get(&path).await).await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (400, "invalid_query")
        );
        assert_eq!(refused.fields[0].field, "from");
    }
    let bad = crate::sse::request(&stage, id, Some("x")).await;
    assert_eq!(problem(bad).await.fields[0].field, "Last-Event-ID");
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive() {
    let stage = Stage::with(EdgeConfig {
        keep_alive: Duration::from_millis(50),
        ..quick()
    })
    .await;
    let id = stage.submit().await;
    let mut viewer = Viewer::open(&stage, id, None).await;
    assert_eq!(viewer.next_name().await, "submitted");
    // Comments are read on the way to the next event, which comes when there have been some.
    let (name, ()) = tokio::join!(viewer.next_name(), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        Script::start(&stage.log, id).await;
    });
    assert_eq!(name, "started");
    assert!(viewer.comments >= 2, "{} comments", viewer.comments);
    assert_eq!(viewer.retry.as_deref(), Some("1000"));
}

#[tokio::test]
async fn a_viewer_that_does_not_read_is_told_to_resume_and_misses_nothing() {
    let stage = Stage::with(EdgeConfig {
        backlog_bytes: 64 << 10,
        ..quick()
    })
    .await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    let mut slow = slow_reader(&stage, &format!("/v1/executions/{id}/events")).await;
    let quick = Viewer::open(&stage, id, None).await;
    let working = async {
        let line = "x".repeat(8 << 10);
        for _ in 0..600 {
            script.say(&line).await;
        }
        script.exit(0).await;
        script
    };
    let (script, quick) = tokio::join!(working, quick.rest());
    assert_eq!(screen(&quick).1, script.stdout());
    // Now it reads: the little that was under way, and then that it has to come back.
    let mut text = String::new();
    slow.read_to_string(&mut text).await.unwrap();
    let last = text.rsplit("event: ").next().unwrap();
    assert!(last.starts_with("resume\n"), "{last}");
    let resume = last
        .split("data: ")
        .nth(1)
        .and_then(|rest| rest.lines().next())
        .unwrap();
    let Ok(ViewerMessage::Resume { cursor }) = serde_json::from_str(resume) else {
        panic!("{resume}");
    };
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .collect();
    assert_eq!(ids.last().copied(), Some(cursor.as_str()));
    let seen = ids.len();
    let rest = Viewer::open(&stage, id, Some(&cursor)).await.rest().await;
    assert_eq!(seen + rest.len(), quick.len(), "everything once");
    assert_eq!(rest, quick[seen..]);
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("stream_resync_total{reason=\"slow\"} 1"),
        "{metrics}"
    );
}

/// A connection that takes little and has read its header only.
async fn slow_reader(stage: &Stage, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(stage.address()).await.unwrap();
    // With HTTP/1.0 the body comes as it is and ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        header.push(stream.read_u8().await.unwrap());
    }
    assert!(header.starts_with(b"HTTP/1.0 200"));
    stream
}

#[tokio::test]
async fn who_comes_when_the_ring_has_lost_the_beginning_reads_it_from_the_log() {
    let stage = Stage::with(EdgeConfig {
        backlog_bytes: 8 << 10,
        ..quick()
    })
    .await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    let first = Viewer::open(&stage, id, None).await;
    let (script, (first, others)) = tokio::join!(
        async {
            for number in 0..300 {
                script.say(format!("{number} {}\n", "y".repeat(200))).await;
            }
            script.exit(0).await;
            script
        },
        async {
            let mut others = Vec::new();
            for _ in 0..6 {
                others.push(Viewer::open(&stage, id, None).await.rest());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::join!(first.rest(), join_all(others))
        }
    );
    assert_eq!(screen(&first).1, script.stdout());
    for other in others {
        assert_eq!(other, first);
    }
}

#[tokio::test]
async fn phases_and_input_are_shown_too() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let mut script = Script::start(&stage.log, id).await;
    let phase = Phase::Run;
    script
        .chunk(runlog_schemas::ChunkKind::Phase { phase })
        .await;
    script.chunk(runlog_schemas::ChunkKind::Eof).await;
    script.exit(0).await;
    let events = Viewer::open(&stage, id, None).await.rest().await;
    assert_eq!(events.len(), 5);
}

#[tokio::test]
async fn many_viewers_share_one_reading_of_the_log() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let viewers = join_all((0..100).map(|_| Viewer::open(&stage, id, None))).await;
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("stream_clients{transport=\"sse\"} 100"),
        "{metrics}"
    );
    let mut script = Script::start(&stage.log, id).await;
    for number in 0..50 {
        script.say(format!("{number}\n")).await;
    }
    script.exit(0).await;
    for seen in join_all(viewers.into_iter().map(Viewer::rest)).await {
        assert_eq!(screen(&seen).1, script.stdout());
    }
    loop {
        let metrics = stage.get("/metrics").await.text().await.unwrap();
        if metrics.contains("stream_clients{transport=\"sse\"} 0") {
            break;
        }
    }
}

#[tokio::test]
async fn late_output_of_a_worker_that_was_replaced_is_seen_by_nobody() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let live = Viewer::open(&stage, id, None).await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("stale\n").await;
    // Stopped, replaced, and told to go on: it writes before it has looked at the log.
    script.begin().await;
    let late = async |number: u64| {
        let chunk = Chunk {
            number,
            at_us: number,
            what: ChunkKind::Stdout {
                data: Data(b"late\n".to_vec()),
            },
        };
        let batch = OutputBatch {
            attempt: 1,
            chunks: vec![chunk],
        };
        let appended = stage.log.append_output(id, &batch).await;
        appended.expect("output has no fence of its own");
    };
    late(1).await;
    script.say("kept\n").await;
    late(0).await;
    late(2).await;
    script.exit(0).await;
    let before = stage.log.read_execution(id, Freshness::Leader).await;
    late(3).await;
    let (_, seen) = screen(&live.rest().await);
    assert_eq!(seen, b"kept\n");
    let (_, again) = screen(&Viewer::open(&stage, id, None).await.rest().await);
    assert_eq!(again, b"kept\n");
    stage.nothing_followed().await;
    let (_, from_log) = screen(&Viewer::open(&stage, id, None).await.rest().await);
    assert_eq!(from_log, b"kept\n");
    let output = stage.get_json(&format!("/v1/executions/{id}/output")).await;
    assert_eq!(output["stdout"]["text"], "kept\n");
    let after = stage.log.read_execution(id, Freshness::Leader).await;
    assert_eq!(after.expect("it answers"), before.expect("it answers"));
}

//! `GET /v1/operations/events`

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use runlog_nats::DeadLetter;
use runlog_schemas::api::{OperationsView, QueueView};
use runlog_schemas::{ParkedCells, Priority};
use serde_json::json;

use crate::stage::{LANGUAGES, Stage};
use crate::workers::worker;

/// Somebody who watches.
struct Watcher {
    body: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Watcher {
    async fn open(stage: &Stage) -> Self {
        let response = stage.get("/v1/operations/events").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.bytes_stream().boxed(),
            text: String::new(),
        }
    }

    /// What is seen next; `None` when the edge has ended the stream.
    async fn next(&mut self) -> Option<OperationsView> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let data = block.strip_prefix("event: operations\ndata: ");
                let view = data.map(|json| serde_json::from_str(json).expect("a view"));
                self.text = rest.to_owned();
                if view.is_some() {
                    return view;
                }
                continue;
            }
            let piece = self.body.next().await?.ok()?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn until(&mut self, wanted: impl Fn(&OperationsView) -> bool) -> OperationsView {
        loop {
            let view = self.next().await.expect("the stream goes on");
            if wanted(&view) {
                return view;
            }
        }
    }
}

fn queue(view: &OperationsView) -> &QueueView {
    let mut queues = view.queues.iter();
    let found = queues.find(|it| it.language == "python" && it.priority == Priority::Api);
    found.expect("every queue is there")
}

#[tokio::test]
async fn queues_their_ages_workers_and_letters_are_seen_as_they_change() {
    let mut stage = Stage::start().await;
    let mut watcher = Watcher::open(&stage).await;
    let idle = watcher.until(|view| !view.queues.is_empty()).await;
    assert_eq!(idle.queues.len(), LANGUAGES.len() * Priority::ALL.len());
    assert_eq!(
        (queue(&idle).waiting, queue(&idle).oldest_age_ms),
        (0, None)
    );
    assert_eq!(idle.stale_because, None);

    let program = json!({ "language": "python", "source": "", "priority": "api" });
    for _ in 0..2 {
        assert_eq!(stage.post("/v1/executions", &program).await.status(), 202);
    }
    let waiting = watcher.until(|view| queue(view).waiting == 2).await;
    let age = queue(&waiting).oldest_age_ms.expect("one waits");
    let older = watcher.until(|view| queue(view).oldest_age_ms > Some(age));
    older.await;
    let metrics = stage.get("/metrics").await.text().await.unwrap();
    let series = "queue_oldest_age_seconds{language=\"python\",priority=\"api\"} ";
    let (_, shown) = metrics.split_once(series).expect("the age is a metric");
    assert!(shown.split('\n').next().unwrap().parse::<f64>().unwrap() > 0.0);

    // Somebody who comes later sees the same at once.
    let mut second = Watcher::open(&stage).await;
    assert_eq!(queue(&second.next().await.unwrap()).waiting, 2);

    let pulled = stage.log.queue().pull("python", Priority::Api, 5).await;
    assert_eq!(pulled.unwrap().len(), 2);
    let taken = watcher.until(|view| queue(view).leased == 2).await;
    assert_eq!(
        (queue(&taken).waiting, queue(&taken).oldest_age_ms),
        (0, None)
    );

    let mut report = worker("a", "3");
    report.parked = vec![ParkedCells {
        host: "python".to_owned(),
        cells: 4,
        memory_bytes: 5,
    }];
    stage.log.report_worker(&report).await.unwrap();
    watcher.until(|view| view.workers == [report.clone()]).await;

    let id = stage.submit().await;
    let letter = DeadLetter {
        at_ms: 1,
        attempts: 3,
        reason: "lost".to_owned(),
        submission_sequence: 1,
        redriven: None,
    };
    let filed = stage.log.append_dead_letter("python", id, &letter).await;
    filed.unwrap();
    watcher.until(|view| view.dead_letters.letters == 1).await;

    stage.stop_edge().await;
    while watcher.next().await.is_some() {}
}

#[tokio::test]
async fn while_the_log_is_away_the_view_says_so_and_it_comes_back_by_itself() {
    let mut stage = Stage::start().await;
    let mut watcher = Watcher::open(&stage).await;
    let before = watcher.until(|view| !view.queues.is_empty()).await;
    stage.servers.nats().kill().await.unwrap();
    let away = watcher.until(|view| view.stale_because.is_some()).await;
    assert_eq!(
        (away.at_ms >= before.at_ms, away.queues.len()),
        (true, before.queues.len())
    );
    stage.servers.nats().restart().await.unwrap();
    watcher.until(|view| view.stale_because.is_none()).await;
    assert_eq!(stage.get("/v1/operations/events?x=1").await.status(), 400);
}

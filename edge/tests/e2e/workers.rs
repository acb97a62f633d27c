//! `GET /v1/workers`

use runlog_schemas::api::Workers;
use runlog_schemas::{WorkerLanguage, WorkerReport};

use crate::stage::Stage;

pub(crate) fn worker(name: &str, version: &str) -> WorkerReport {
    WorkerReport {
        name: name.to_owned(),
        host: "host".to_owned(),
        engine: "native".to_owned(),
        slots: 2,
        free_slots: 1,
        languages: vec![WorkerLanguage {
            id: "python".to_owned(),
            version: Some(version.to_owned()),
        }],
        memory_bytes: 2,
        available_memory_bytes: 1,
        started_at_ms: 1,
        draining: false,
        missing_layers: Vec::new(),
        parked: Vec::new(),
        at_ms: 2,
    }
}

#[tokio::test]
async fn workers_are_listed_as_they_report_themselves_until_they_leave() {
    let stage = Stage::start().await;
    let list = async || -> Workers {
        serde_json::from_value(stage.get_json("/v1/workers").await).unwrap()
    };
    assert_eq!(list().await.workers, []);
    let (a, mut b) = (worker("a.1", "3"), worker("b", "3"));
    for report in [&b, &a] {
        stage.log.report_worker(report).await.unwrap();
    }
    b.draining = true;
    stage.log.report_worker(&b).await.unwrap();
    assert_eq!(list().await.workers, [a.clone(), b]);
    // The edge hears of them by itself.
    loop {
        let metrics = stage.get("/metrics").await.text().await.unwrap();
        let told = [
            "\nworkers 2\n",
            "worker_slots{state=\"free\"} 2",
            "{state=\"busy\"} 2",
        ];
        if told.iter().all(|it| metrics.contains(it)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stage.log.forget_worker("b").await.unwrap();
    assert_eq!(list().await.workers, [a]);
    assert_eq!(stage.get("/v1/workers?x=1").await.status(), 400);
}

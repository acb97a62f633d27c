//! Three servers, three copies of everything.

use std::time::Duration;

use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{AppendError, Freshness, Log, LogConfig};
use runlog_schemas::{Cursor, Priority};
use tokio::time::sleep;

use crate::support::{id, languages, now_ms, submission};
use crate::viewer::{Script, Viewer};

/// Connects, and waits until the cluster has a leader.
async fn connect(urls: &[String]) -> Log {
    let config = LogConfig {
        append_patience: Duration::from_secs(60),
        ..LogConfig::new(urls.join(","), "test")
    };
    loop {
        match Log::connect(&config).await {
            Ok(log) => return log,
            Err(error) => tracing::debug!(%error, "not yet"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn apply(log: &Log, wanted: &Wanted) {
    loop {
        match streams::apply(log, wanted, false, now_ms()).await {
            Ok(_) => return,
            // Right after their start, the servers do not know of each other.
            Err(error) => tracing::debug!(%error, "not yet"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_cluster_keeps_its_promises_while_a_server_dies() {
    let mut servers = Testbed::start_cluster().await.unwrap();
    let urls = servers.cluster().urls();
    let log = connect(&urls).await;
    let wanted = Wanted::of(&languages(), Replicas::Three);
    apply(&log, &wanted).await;
    let again = streams::apply(&log, &wanted, true, now_ms()).await.unwrap();
    assert_eq!(again, [], "applying twice changes nothing");
    log.verify_streams(&languages()).await.unwrap();

    // One id, submitted to every queue at once, through different servers.
    let other = connect(&urls[1..]).await;
    for number in 0..20 {
        let tries = [&log, &other].into_iter().flat_map(|log| {
            let to = |language, priority| async move {
                let asked = submission(language, priority);
                log.append_submission(id(number), &asked, 1).await
            };
            [
                to("python", Priority::Api),
                to("c", Priority::Api),
                to("c", Priority::Interactive),
            ]
        });
        let results = futures_util::future::join_all(tries).await;
        let won = results.iter().filter(|it| it.is_ok()).count();
        let refused = |it: &&Result<u64, AppendError>| matches!(it, Err(AppendError::Conflict));
        assert_eq!(
            (won, results.iter().filter(refused).count()),
            (1, 5),
            "{results:?}"
        );
    }

    // A viewer and a writer on different servers, while one server after the other is killed.
    Script::submit(&log, id(100)).await;
    let script = Script {
        attempts: vec![vec![1; 20], vec![2; 200]],
        says_so: true,
    };
    let watch = other.watch(id(100), Cursor::default()).await.unwrap();
    let viewing = async {
        let mut viewer = Viewer::default();
        viewer.watch(watch).await;
        let _end = viewer.events.pop();
        viewer.check(&script);
    };
    let killing = async {
        for node in &mut servers.cluster().nodes {
            sleep(Duration::from_millis(100)).await;
            node.kill().await.unwrap();
            sleep(Duration::from_millis(100)).await;
            node.restart().await.unwrap();
        }
    };
    let pause = async || sleep(Duration::from_millis(5)).await;
    tokio::join!(script.play(&log, id(100), pause), viewing, killing);
    let folded = log
        .read_execution(id(100), Freshness::Leader)
        .await
        .unwrap()
        .unwrap();
    assert!(folded.execution.end().is_some());
}

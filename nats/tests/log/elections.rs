//! The leader of everything stands still, and what was asked of it is answered by the next one.

use std::time::Duration;

use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Freshness, Log, LogConfig};
use runlog_schemas::Priority;
use serde_json::Value;
use tokio::time::sleep;

use crate::support::{id, languages, now_ms, started, submission};

/// Longer than any election takes, on any machine: what waits for this has not noticed it.
const NEVER: Duration = Duration::from_secs(600);

/// Which of the servers leads a stream, once all of them have everything.
async fn leader(urls: &[String], stream: &str) -> usize {
    let client = async_nats::connect(urls).await.unwrap();
    loop {
        let subject = format!("$JS.API.STREAM.INFO.{stream}");
        if let Ok(answer) = client.request(subject, "".into()).await {
            let info: Value = serde_json::from_slice(&answer.payload).unwrap();
            let replicas = info["cluster"]["replicas"].as_array();
            let current = |it: &&Value| it["current"] == true;
            let current = replicas.map_or(0, |it| it.iter().filter(current).count());
            let name = info["cluster"]["leader"].as_str().unwrap_or_default();
            if let (2, Some(number)) = (current, name.strip_prefix("runlog-")) {
                return number.parse::<usize>().unwrap() - 1;
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn connect(urls: &[String]) -> Log {
    let config = LogConfig {
        request_timeout: NEVER,
        append_patience: NEVER,
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

#[tokio::test]
async fn what_was_asked_of_a_frozen_leader_is_answered_by_the_next_one() {
    let mut servers = Testbed::start_cluster().await.unwrap();
    let urls = servers.cluster().urls();
    let wanted = Wanted::of(&languages(), Replicas::Three);
    let usual = Log::connect(&LogConfig::new(urls.join(","), "test"))
        .await
        .unwrap();
    while let Err(error) = streams::apply(&usual, &wanted, false, now_ms()).await {
        tracing::debug!(%error, "not yet");
        sleep(Duration::from_millis(100)).await;
    }
    let asked = submission("python", Priority::Api);
    usual.append_submission(id(1), &asked, 1).await.unwrap();

    let leads = leader(&urls, "EXECUTIONS").await;
    let other = [urls[(leads + 1) % 3].clone()];
    let log = connect(&other).await;
    servers.cluster().nodes[leads].pause().unwrap();
    let begin = started(1);
    let (submitted, status, bounds, there) = tokio::join!(
        log.append_submission(id(2), &asked, 1),
        log.append_status(id(1), 0, &begin),
        log.bounds("EXECUTIONS"),
        log.read_execution(id(1), Freshness::Leader),
    );
    bounds.unwrap();
    assert!(there.unwrap().is_some());
    // Each queue elects a leader of its own.
    for language in languages() {
        for priority in Priority::ALL {
            log.queue().depth(&language, priority).await.unwrap();
        }
    }
    servers.cluster().nodes[leads].resume().unwrap();

    leader(&urls, "EXECUTIONS").await;
    let stored = log.read_submission(id(2)).await.unwrap().unwrap();
    assert_eq!(stored.sequence, submitted.unwrap());
    let events = log.read_status(id(1), 0, Freshness::Leader).await.unwrap();
    assert_eq!(events, [(status.unwrap(), begin)]);
    let messages = log.bounds("EXECUTIONS").await.unwrap().messages;
    assert_eq!(messages, 3, "each once");
}

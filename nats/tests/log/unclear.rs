//! Appends whose answer goes missing: found out, never assumed.

use std::time::Duration;

use runlog_nats::{AppendError, Freshness, Log, LogConfig, ReadError, RequestError};
use runlog_schemas::Priority;
use tokio::time::sleep;

use crate::support::{Bed, id, output, started, submission};

/// A client that gives up on an answer soon.
async fn hasty(bed: &mut Bed, patience: Duration) -> Log {
    let config = LogConfig {
        request_timeout: Duration::from_millis(150),
        append_patience: patience,
        ..LogConfig::new(bed.servers.nats().url(), "hasty")
    };
    Log::connect(&config).await.expect("the log is there")
}

#[tokio::test]
async fn an_append_to_a_frozen_server_is_stored_once() {
    let mut bed = Bed::start().await;
    let log = hasty(&mut bed, Duration::from_secs(60)).await;
    let asked = submission("python", Priority::Api);
    log.append_submission(id(1), &asked, 1).await.unwrap();
    bed.freeze();
    let batch = output(1, 0, 2);
    let begin = started(1);
    let (submitted, status, written, ()) = tokio::join!(
        log.append_submission(id(2), &asked, 1),
        log.append_status(id(1), 0, &begin),
        log.append_output(id(1), &batch),
        async {
            // Long enough for several tries to go unanswered.
            sleep(Duration::from_millis(700)).await;
            bed.servers.nats().resume().unwrap();
        }
    );
    let (submitted, status) = (submitted.unwrap(), status.unwrap());
    let stored = bed.log.read_submission(id(2)).await.unwrap().unwrap();
    assert_eq!(stored.sequence, submitted);
    let events = bed
        .log
        .read_status(id(1), 0, Freshness::Leader)
        .await
        .unwrap();
    assert_eq!(events, [(status, begin)]);
    let bounds = bed.log.bounds("EXECUTIONS").await.unwrap();
    assert_eq!(bounds.messages, 3, "each once");
    // Output may stand there more than once; what it says does not change by that.
    assert!(bed.log.bounds("OUTPUT").await.unwrap().last_sequence >= written.unwrap());
}

#[tokio::test]
async fn of_two_unclear_appends_one_is_stored_and_the_other_knows() {
    let mut bed = Bed::start().await;
    let first = hasty(&mut bed, Duration::from_secs(60)).await;
    let second = hasty(&mut bed, Duration::from_secs(60)).await;
    bed.freeze();
    // The same bytes from both: only its own mark tells an append which one it is.
    let begin = started(1);
    let (one, other, ()) = tokio::join!(
        first.append_status(id(1), 0, &begin),
        second.append_status(id(1), 0, &begin),
        async {
            sleep(Duration::from_millis(700)).await;
            bed.servers.nats().resume().unwrap();
        }
    );
    let results = [one, other];
    let stored = results.iter().filter(|it| it.is_ok()).count();
    let refused = results
        .iter()
        .filter(|it| matches!(it, Err(AppendError::Conflict)))
        .count();
    assert_eq!((stored, refused), (1, 1), "{results:?}");
    let events = bed
        .log
        .read_status(id(1), 0, Freshness::Leader)
        .await
        .unwrap();
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_found_out_is_called_unknown() {
    let mut bed = Bed::start().await;
    let log = hasty(&mut bed, Duration::from_millis(400)).await;
    bed.freeze();
    let unclear = log.append_status(id(1), 0, &started(1)).await;
    bed.servers.nats().resume().unwrap();
    assert!(
        matches!(unclear, Err(AppendError::Unknown(_))),
        "{unclear:?}"
    );
    // And rightly so: the server had it all the time.
    let again = bed.log.append_status(id(1), 0, &started(1)).await;
    assert!(matches!(again, Err(AppendError::Conflict)), "{again:?}");
}

#[tokio::test]
async fn without_a_server_nothing_is_sent_and_it_is_said_at_once() {
    let mut bed = Bed::start().await;
    let mut state = bed.log.state();
    bed.servers.nats().kill().await.unwrap();
    state.wait_for(|state| !state.connected).await.unwrap();
    let asked = submission("python", Priority::Api);
    for result in [
        bed.log.append_submission(id(1), &asked, 1).await,
        bed.log.append_status(id(1), 0, &started(1)).await,
        bed.log.append_output(id(1), &output(1, 0, 1)).await,
    ] {
        assert!(
            matches!(result, Err(AppendError::Unavailable(_))),
            "{result:?}"
        );
    }
    assert!(bed.log.ping().await.is_err());
    bed.servers.nats().restart().await.unwrap();
    bed.log.connected().await;
    bed.log.ping().await.unwrap();
    assert_eq!(bed.log.bounds("EXECUTIONS").await.unwrap().messages, 0);
    bed.log.append_submission(id(1), &asked, 1).await.unwrap();
}

#[tokio::test]
async fn a_chain_of_appends_runs_through_the_kill_of_the_server() {
    let mut bed = Bed::start().await;
    let log = bed.log.clone();
    let writing = async {
        let mut last = 0;
        let mut written = Vec::new();
        while written.len() < 300 {
            let event = started(u32::try_from(written.len()).unwrap());
            match log.append_status(id(1), last, &event).await {
                Ok(sequence) => {
                    last = sequence;
                    written.push((sequence, event));
                }
                Err(AppendError::Unavailable(_)) => log.connected().await,
                Err(error) => panic!("{error}"),
            }
        }
        written
    };
    let killing = async {
        for _ in 0..3 {
            sleep(Duration::from_millis(30)).await;
            bed.servers.nats().kill().await.unwrap();
            bed.servers.nats().restart().await.unwrap();
        }
    };
    let (written, ()) = tokio::join!(writing, killing);
    // The last kill may come behind the last append.
    let events = loop {
        match log.read_status(id(1), 0, Freshness::Leader).await {
            Ok(events) => break events,
            Err(ReadError::Request(RequestError::Unavailable(_))) => log.connected().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(events, written);
}

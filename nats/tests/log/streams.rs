//! Making the streams, and refusing what would lose something.

use runlog_nats::streams::{self, ApplyError, Kind, Replicas, Wanted};
use runlog_nats::{AppendError, VerifyError};
use runlog_schemas::{Priority, subject};
use serde_json::json;

use crate::support::{Bed, id, languages, now_ms, output, started, submission, wanted};

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let bed = Bed::start().await;
    let again = streams::apply(&bed.log, &wanted(), false, now_ms())
        .await
        .unwrap();
    assert_eq!(again, []);
    bed.log.verify_streams(&languages()).await.unwrap();
}

#[tokio::test]
async fn a_new_language_gets_its_queues_and_a_dry_run_gets_nothing() {
    let bed = Bed::start().await;
    let more: Vec<String> = ["python", "c", "go"].map(str::to_owned).to_vec();
    let wanted = Wanted::of(&more, Replicas::One);
    let told = streams::apply(&bed.log, &wanted, true, now_ms())
        .await
        .unwrap();
    let words: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "create consumer go-interactive",
            "create consumer go-api",
            "create consumer go-background"
        ]
    );
    let error = bed.log.verify_streams(&more).await.unwrap_err();
    assert!(matches!(error, VerifyError::Different(_)));
    let error = error.to_string();
    assert!(error.contains("runlog streams apply"), "{error}");
    assert!(error.contains("consumer go-api is missing"), "{error}");
    let done = streams::apply(&bed.log, &wanted, false, now_ms())
        .await
        .unwrap();
    assert_eq!(done, told);
    bed.log.verify_streams(&more).await.unwrap();
}

#[tokio::test]
async fn limits_below_what_is_stored_are_refused_and_nothing_is_done() {
    let bed = Bed::start().await;
    for number in 0..5 {
        bed.log
            .append_submission(id(number), &submission("c", Priority::Api), 1)
            .await
            .unwrap();
    }
    // Later by the clock of the caller, so that the messages are older than the new age.
    let later = now_ms() + 10_000;
    for (field, value) in [
        ("max_msgs", json!(4)),
        ("max_bytes", json!(100)),
        ("max_age", json!(100_000_000)),
        ("subjects", json!(["submit.*.*.*"])),
        ("retention", json!("workqueue")),
        ("discard", json!("old")),
        ("storage", json!("memory")),
    ] {
        let mut smaller = wanted();
        let _ = smaller.streams[0].config.insert(field.to_owned(), value);
        let refused = streams::apply(&bed.log, &smaller, false, later).await;
        let Err(ApplyError::Refused(changes)) = &refused else {
            panic!("{field}: {refused:?}");
        };
        assert_eq!(changes[0].kind, Kind::Refuse);
        assert!(changes[0].words[0].starts_with(field), "{changes:?}");
        let told = streams::apply(&bed.log, &smaller, true, later)
            .await
            .unwrap();
        assert_eq!(&told, changes);
    }
    let again = streams::apply(&bed.log, &wanted(), false, now_ms())
        .await
        .unwrap();
    assert_eq!(again, [], "nothing was changed");
    let mut roomier = wanted();
    let _ = roomier.streams[0]
        .config
        .insert("max_msgs".to_owned(), json!(5));
    let done = streams::apply(&bed.log, &roomier, false, now_ms())
        .await
        .unwrap();
    assert_eq!(
        done[0].to_string(),
        "change stream EXECUTIONS\n    max_msgs: 3000000 becomes 5"
    );
    bed.log.verify_streams(&languages()).await.unwrap();
}

#[tokio::test]
async fn a_missing_log_is_not_made_anew_beside_what_is_left_of_it() {
    let mut bed = Bed::start().await;
    bed.log
        .append_output(id(1), &output(1, 0, 1))
        .await
        .unwrap();
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    jetstream.delete_stream("EXECUTIONS").await.unwrap();
    let refused = streams::apply(&bed.log, &wanted(), false, now_ms())
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("OUTPUT (1 messages)"),
        "{refused}"
    );
    let error = bed.log.verify_streams(&[]).await.unwrap_err().to_string();
    assert!(error.contains("stream EXECUTIONS is missing"), "{error}");
    let gone = bed.log.append_status(id(1), 0, &started(1)).await;
    assert!(matches!(gone, Err(AppendError::Unavailable(_))), "{gone:?}");
}

#[tokio::test]
async fn what_an_operator_added_stays() {
    let mut bed = Bed::start().await;
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let mut config = jetstream
        .get_stream("OUTPUT")
        .await
        .unwrap()
        .cached_info()
        .config
        .clone();
    let _ = config.metadata.insert("owner".to_owned(), "me".to_owned());
    config.max_messages = 5;
    jetstream.update_stream(&config).await.unwrap();
    let done = streams::apply(&bed.log, &wanted(), false, now_ms())
        .await
        .unwrap();
    assert_eq!(done.len(), 1, "{done:?}");
    let stream = jetstream.get_stream("OUTPUT").await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.metadata.get("owner").map(String::as_str), Some("me"));
    assert_eq!(config.max_messages, 20_000_000);
}

#[tokio::test]
async fn a_full_log_refuses_submissions_first_and_room_can_be_made() {
    let bed = Bed::start().await;
    let asked = submission("c", Priority::Api);
    for number in 0..10 {
        bed.log
            .append_submission(id(number), &asked, 1)
            .await
            .unwrap();
    }
    let mut tight = wanted();
    let _ = tight.streams[0]
        .config
        .insert("max_msgs".to_owned(), json!(11));
    streams::apply(&bed.log, &tight, false, now_ms())
        .await
        .unwrap();
    // Another process looks before its first submission.
    let mut other = bed;
    let log = other.another().await;
    let full = log.append_submission(id(20), &asked, 1).await;
    assert!(matches!(full, Err(AppendError::Full(_))), "{full:?}");
    let last = log.append_status(id(0), 0, &started(1)).await.unwrap();
    let brim = log.append_status(id(0), last, &started(2)).await;
    assert!(matches!(brim, Err(AppendError::Full(_))), "{brim:?}");
    assert_eq!(log.make_room(subject::EXECUTIONS, 4).await.unwrap(), 3);
    assert_eq!(log.bounds("EXECUTIONS").await.unwrap().first_sequence, 4);
    assert_eq!(
        log.make_room(subject::EXECUTIONS, u64::MAX).await.unwrap(),
        3
    );
    assert_eq!(
        log.make_room(subject::EXECUTIONS, u64::MAX).await.unwrap(),
        0
    );
    log.append_submission(id(20), &asked, 1).await.unwrap();
    let too_large = runlog_schemas::Data(vec![b'x'; 5_000_000]);
    let mut large = asked;
    large.files[0].content = too_large;
    let refused = log.append_submission(id(21), &large, 1).await;
    assert!(
        matches!(refused, Err(AppendError::TooLarge { .. })),
        "{refused:?}"
    );
}

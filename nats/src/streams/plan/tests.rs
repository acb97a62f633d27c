use serde_json::json;

use super::super::wanted::Replicas;
use super::*;

fn wanted() -> Wanted {
    Wanted::of(&["python".to_owned()], Replicas::One)
}

/// Everything as wanted, with as many messages of 100 bytes and a second each in every stream.
fn current(messages: u64) -> Current {
    let wanted = wanted();
    let stream = |object: Object| {
        let stream = CurrentStream {
            config: object.config,
            messages,
            bytes: messages * 100,
            oldest_ns: messages * 1_000_000_000,
        };
        (object.name, stream)
    };
    let consumer = |object: Object| (object.name, object.config);
    Current {
        streams: wanted.streams.into_iter().map(stream).collect(),
        consumers: wanted.consumers.into_iter().map(consumer).collect(),
    }
}

/// The plan where one setting of the stream `EXECUTIONS` is wanted otherwise.
fn with(messages: u64, field: &str, value: Value) -> Vec<Change> {
    let mut wanted = wanted();
    wanted.streams[0].config.insert(field.to_owned(), value);
    plan(&current(messages), &wanted)
}

#[track_caller]
fn check(messages: u64, field: &str, value: Value, kind: Kind) {
    let changes = with(messages, field, value.clone());
    let kinds: Vec<Kind> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [kind], "{field} {value}: {changes:?}");
    assert!(changes[0].words[0].starts_with(field), "{changes:?}");
}

#[test]
fn an_empty_server_gets_everything() {
    let changes = plan(&Current::default(), &wanted());
    let targets: Vec<String> = changes.iter().map(Change::to_string).collect();
    assert_eq!(
        targets,
        [
            "create stream EXECUTIONS",
            "create stream OUTPUT",
            "create stream DEAD_LETTERS",
            "create stream SNIPPETS",
            "create stream OBJ_RECORDINGS",
            "create stream KV_LANGUAGES",
            "create stream KV_KEYS",
            "create stream KV_WORKERS",
            "create stream OBJ_ARTIFACTS",
            "create consumer python-interactive",
            "create consumer python-api",
            "create consumer python-background",
        ]
    );
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    assert_eq!(plan(&current(5), &wanted()), []);
    // The server leaves out what is zero or false, and adds what we do not name.
    let mut there = current(5);
    let stream = there.streams.get_mut("EXECUTIONS").unwrap();
    stream.config.remove("allow_rollup_hdrs");
    stream.config.insert("sealed".to_owned(), json!(false));
    stream.config["republish"]["headers_only"] = json!(false);
    assert_eq!(plan(&there, &wanted()), []);
}

#[test]
fn a_limit_may_fall_to_what_is_stored_and_no_further() {
    check(5, "max_msgs", json!(5), Kind::Update);
    check(5, "max_msgs", json!(4), Kind::Refuse);
    check(5, "max_bytes", json!(500), Kind::Update);
    check(5, "max_bytes", json!(499), Kind::Refuse);
    check(5, "max_age", json!(5_000_000_000_u64), Kind::Update);
    check(5, "max_age", json!(4_999_999_999_u64), Kind::Refuse);
    check(5, "max_msgs_per_subject", json!(1), Kind::Refuse);
    check(0, "max_msgs_per_subject", json!(1), Kind::Update);
    for field in ["max_msgs", "max_bytes", "max_age"] {
        check(5, field, json!(0), Kind::Update);
    }
}

#[test]
fn what_would_lose_something_is_refused() {
    check(0, "subjects", json!(["status.*"]), Kind::Refuse);
    let more = json!(["status.*", "more.*", "submit.*.*.*"]);
    check(5, "subjects", more, Kind::Update);
    check(0, "retention", json!("interest"), Kind::Refuse);
    check(0, "storage", json!("memory"), Kind::Refuse);
    check(0, "discard", json!("old"), Kind::Refuse);
    check(5, "num_replicas", json!(3), Kind::Update);
    check(5, "allow_direct", json!(false), Kind::Update);
    check(
        5,
        "republish",
        json!({"src": "a", "dest": "b"}),
        Kind::Update,
    );
}

#[test]
fn fewer_copies_are_not_made_by_the_way() {
    let mut there = current(5);
    for stream in there.streams.values_mut() {
        stream.config.insert("num_replicas".to_owned(), json!(3));
    }
    let changes = plan(&there, &wanted());
    assert_eq!(changes.len(), there.streams.len());
    assert!(changes.iter().all(|change| change.kind == Kind::Refuse));
}

#[test]
fn an_order_of_subjects_is_no_difference() {
    let mut turned = wanted();
    turned.streams[0].config["subjects"] = json!(["status.*", "submit.*.*.*"]);
    assert_eq!(plan(&current(5), &turned), []);
}

#[test]
fn what_the_operator_chose_is_sent_back() {
    let mut there = current(5);
    let stream = there.streams.get_mut("EXECUTIONS").unwrap();
    stream
        .config
        .insert("placement".to_owned(), json!({"tags": ["a"]}));
    stream
        .config
        .insert("allow_direct".to_owned(), json!(false));
    let changes = plan(&there, &wanted());
    assert_eq!(
        changes[0].to_string(),
        "change stream EXECUTIONS\n    allow_direct: false becomes true"
    );
    assert_eq!(changes[0].config["placement"], json!({"tags": ["a"]}));
    assert_eq!(changes[0].config["allow_direct"], json!(true));
}

#[test]
fn a_queue_may_change_its_lease_and_not_what_it_holds() {
    for (field, value, kind) in [
        ("ack_wait", json!(5), Kind::Update),
        ("max_ack_pending", json!(5), Kind::Update),
        ("filter_subject", json!("status.*"), Kind::Refuse),
        ("ack_policy", json!("none"), Kind::Refuse),
    ] {
        let mut wanted = wanted();
        wanted.consumers[0].config.insert(field.to_owned(), value);
        let changes = plan(&current(5), &wanted);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].kind, kind, "{changes:?}");
    }
}

#[test]
fn a_log_that_is_gone_is_not_made_beside_what_refers_to_it() {
    for (messages, kind) in [(0, Kind::Create), (1, Kind::Refuse)] {
        let mut there = current(messages);
        there.streams.remove("EXECUTIONS");
        let changes = plan(&there, &wanted());
        assert_eq!(changes[0].kind, kind, "{changes:?}");
    }
    let mut there = current(1);
    there.streams.remove("OUTPUT");
    assert_eq!(plan(&there, &wanted())[0].kind, Kind::Create);
}

//! The transaction against a real PostgreSQL.

use runlog_local::Testbed;
use runlog_schemas::{Change, Data, Limits, Priority, SourceFile, Submission};

use super::*;
use crate::{SCHEMA, migrate};

fn submitted(sequence: u64) -> Recorded {
    let submission = Submission {
        language: "python".to_owned(),
        priority: Priority::Api,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from("print(1)"),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 1_000,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    };
    Recorded {
        sequence,
        id: ExecutionId::from_uuid(Uuid::from_u128(sequence.into())),
        event: ExecutionEvent {
            at_ms: sequence,
            change: Change::Submitted {
                submission: Box::new(submission),
            },
        },
    }
}

async fn rows(store: &Store) -> i64 {
    let row = store
        .connection
        .query_one("SELECT count(*) FROM executions", &[])
        .await
        .unwrap();
    row.get(0)
}

fn cancelled(sequence: u64, submitted_at: u64) -> Recorded {
    Recorded {
        sequence,
        event: ExecutionEvent {
            at_ms: sequence,
            change: Change::Cancelled,
        },
        ..submitted(submitted_at)
    }
}

#[tokio::test]
async fn the_log_is_needed_from_the_first_execution_that_has_not_ended() {
    let mut testbed = Testbed::start_postgres_only().await.unwrap();
    let address = testbed.postgres().connection_string();
    migrate(&address).await.unwrap();
    let mut store = Store::open(&address, SCHEMA).await.unwrap();
    let mut checkpoint = 0;
    for (event, needed_from) in [
        (submitted(1), 1),
        (submitted(2), 1),
        (cancelled(3, 1), 2),
        (cancelled(4, 2), 5),
    ] {
        checkpoint = store.write(checkpoint, &[event]).await.unwrap().checkpoint;
        let needed = crate::trim::needed_from(&store.connection).await.unwrap();
        assert_eq!(needed, needed_from, "after {checkpoint}");
    }
}

#[tokio::test]
async fn of_two_projectors_one_writes_and_the_other_is_told() {
    let mut testbed = Testbed::start_postgres_only().await.unwrap();
    let address = testbed.postgres().connection_string();
    migrate(&address).await.unwrap();
    let mut one = Store::open(&address, SCHEMA).await.unwrap();
    let mut two = Store::open(&address, SCHEMA).await.unwrap();
    let events: Vec<Recorded> = (1..=500).map(submitted).collect();
    let mut checkpoint = 0;
    for batch in events.chunks(50) {
        let both = tokio::join!(one.write(checkpoint, batch), two.write(checkpoint, batch));
        let (written, refused, loser) = match both {
            (Ok(written), Err(refused)) => (written, refused, &mut two),
            (Err(refused), Ok(written)) => (written, refused, &mut one),
            other => panic!("one writes and the other does not: {other:?}"),
        };
        assert!(matches!(refused, Error::CheckpointMoved { expected } if expected == checkpoint));
        assert!(refused.is_passing());
        checkpoint = written.checkpoint;
        *loser = Store::open(&address, SCHEMA).await.unwrap();
        assert_eq!(loser.checkpoint().await.unwrap(), checkpoint);
        assert_eq!(rows(loser).await, i64::try_from(checkpoint).unwrap());
    }
    assert_eq!(checkpoint, 500);
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_behind() {
    let mut testbed = Testbed::start_postgres_only().await.unwrap();
    let address = testbed.postgres().connection_string();
    migrate(&address).await.unwrap();
    let mut store = Store::open(&address, SCHEMA).await.unwrap();
    let disorder = [submitted(2), submitted(1)];
    let refused = store.write(0, &disorder).await.unwrap_err();
    assert!(matches!(refused, Error::OutOfOrder(_)), "{refused}");
    drop(store);
    let mut store = Store::open(&address, SCHEMA).await.unwrap();
    assert_eq!(
        (store.checkpoint().await.unwrap(), rows(&store).await),
        (0, 0)
    );

    // COMMIT answers "all is well" after a refused statement; the refusal must come first.
    store
        .connection
        .batch_execute("ALTER TABLE executions ADD CHECK (last_sequence <> 3)")
        .await
        .unwrap();
    let events = [submitted(1), submitted(3)];
    let refused = store.write(0, &events).await.unwrap_err();
    assert!(matches!(refused, Error::Database { .. }), "{refused}");
    let store = Store::open(&address, SCHEMA).await.unwrap();
    assert_eq!(
        (store.checkpoint().await.unwrap(), rows(&store).await),
        (0, 0)
    );
}

#[tokio::test]
async fn one_projector_is_active_at_a_time() {
    let mut testbed = Testbed::start_postgres_only().await.unwrap();
    let address = testbed.postgres().connection_string();
    migrate(&address).await.unwrap();
    let one = Store::open(&address, SCHEMA).await.unwrap();
    let two = Store::open(&address, SCHEMA).await.unwrap();
    assert!(one.try_lock().await.unwrap());
    assert!(!two.try_lock().await.unwrap());
    drop(one);
    while !two.try_lock().await.unwrap() {
        tokio::task::yield_now().await;
    }
}

//! Migrations against a real PostgreSQL.

use runlog_local::Testbed;
use runlog_projector::migrate;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn processes_that_start_together_migrate_once() -> TestResult {
    let mut testbed = Testbed::start_postgres_only().await?;
    let address = testbed.postgres().connection_string();
    let (first, second, third) =
        tokio::join!(migrate(&address), migrate(&address), migrate(&address));
    first?;
    second?;
    third?;

    let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection ends with its client"
    )]
    tokio::spawn(connection);
    let row = client
        .query_one(
            "SELECT last_sequence FROM runlog.projector_checkpoints WHERE projector = 'executions'",
            &[],
        )
        .await?;
    assert_eq!(row.get::<_, i64>(0), 0);
    let row = client
        .query_one("SELECT count(*) FROM runlog.refinery_schema_history", &[])
        .await?;
    let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))?.count();
    assert_eq!(row.get::<_, i64>(0), i64::try_from(all)?);
    Ok(())
}

#[tokio::test]
async fn what_is_not_an_address_is_said() {
    let error = migrate("nonsense").await.unwrap_err();
    assert_eq!(error.to_string(), "not a PostgreSQL connection string");
}

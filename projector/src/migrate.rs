//! Brings the tables to the shape that this program needs.

use crate::database::Connection;
use crate::{Error, SCHEMA};

/// Held by whoever migrates; refinery itself lets two processes collide.
const MIGRATION_LOCK: i64 = 0x72_75_6e_6c_6f_67_01;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Makes the schema of the read models, or brings it up to date. Safe to call from several
/// processes at once.
///
/// # Errors
/// When PostgreSQL is away, or the schema was made by a newer or a changed program.
pub async fn migrate(address: &str) -> Result<(), Error> {
    let mut connection = Connection::open(address, SCHEMA).await?;
    migrate_schema(&mut connection, SCHEMA).await
}

/// The same for one schema, over a connection that was opened for it.
pub(crate) async fn migrate_schema(connection: &mut Connection, schema: &str) -> Result<(), Error> {
    let cannot = || Error::database("lock the migrations");
    connection
        .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await
        .map_err(cannot())?;
    let migrated = migrate_locked(connection, schema).await;
    connection
        .execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
        .await
        .map_err(cannot())?;
    migrated
}

async fn migrate_locked(connection: &mut Connection, schema: &str) -> Result<(), Error> {
    connection
        .batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))
        .await
        .map_err(Error::database("create a schema"))?;
    let report = embedded::migrations::runner()
        .run_async(&mut **connection)
        .await
        .map_err(|source| Error::Migration {
            schema: schema.to_owned(),
            source: Box::new(source),
        })?;
    for migration in report.applied_migrations() {
        tracing::info!(schema, %migration, "migrated");
    }
    Ok(())
}

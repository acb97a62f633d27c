//! Puts the new tables in the place of the old ones.

use crate::database::Connection;
use crate::store::PROJECTOR;
use crate::store::unsigned;
use crate::{Error, SCHEMA};

use super::copy::{copy_new_recordings, copy_snippets};
use super::{BESIDE, PREVIOUS, Rebuild};

/// Stops whoever writes the old tables, and nobody who reads them. In the order in which the fold
/// and the archiver lock them, so that nobody waits for us while we wait for them.
const STOP_WRITERS: &str = "
    BEGIN;
    SET LOCAL lock_timeout TO '30s';
    SET LOCAL synchronous_commit TO on;
    LOCK TABLE projector_checkpoints, executions, submissions, recordings_due, recordings,
    snippets IN EXCLUSIVE MODE";

/// Waits for the writers of the old tables, catches up with them, and renames. Statements that
/// wait for the old tables meanwhile find the new ones, since names are looked up again.
pub(super) async fn swap(rebuild: &mut Rebuild<'_>) -> Result<(), Error> {
    let live = Connection::open(&rebuild.config.database, SCHEMA).await?;
    live.batch_execute(STOP_WRITERS)
        .await
        .map_err(Error::database("stop the writers of the old tables"))?;
    check_shape(&live).await?;
    let row = live
        .query_one(
            "SELECT last_sequence FROM projector_checkpoints WHERE projector = $1",
            &[&PROJECTOR],
        )
        .await
        .map_err(Error::database("read the checkpoint"))?;
    let target = unsigned(row.get(0));
    rebuild.catch_up(target).await?;
    // What the archiver stored in the old tables since we looked goes away with them.
    copy_new_recordings(&rebuild.beside).await?;
    rebuild.snippets.catch_up(rebuild.log).await?;
    copy_snippets(&rebuild.beside).await?;
    live.batch_execute(&format!(
        "ALTER SCHEMA {SCHEMA} RENAME TO {PREVIOUS};
         ALTER SCHEMA {BESIDE} RENAME TO {SCHEMA};
         COMMIT"
    ))
    .await
    .map_err(Error::database("swap the tables"))
}

/// A newer program may have migrated the old tables while we were at it.
async fn check_shape(live: &Connection) -> Result<(), Error> {
    let row = live
        .query_one(
            &format!(
                "SELECT (SELECT max(version) FROM {SCHEMA}.refinery_schema_history)
                 = (SELECT max(version) FROM {BESIDE}.refinery_schema_history)"
            ),
            &[],
        )
        .await
        .map_err(Error::database("compare the migrations"))?;
    if row.get(0) {
        Ok(())
    } else {
        Err(Error::MigratedMeanwhile)
    }
}

/// Drops a schema that nobody comes to any more. Statements that came before its name changed are
/// waited for, table by table: whoever holds one lock and waits for the next could otherwise hold
/// us up while we hold them up.
pub(super) async fn drop_schema(connection: &Connection, schema: &str) -> Result<(), Error> {
    let drop = async {
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1";
        for row in connection.query(tables, &[&schema]).await? {
            let table: &str = row.get(0);
            connection
                .batch_execute(&format!(
                    "BEGIN; LOCK TABLE {schema}.{table} IN ACCESS EXCLUSIVE MODE; COMMIT"
                ))
                .await?;
        }
        connection
            .batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))
            .await
    };
    drop.await.map_err(Error::database("drop a schema"))
}

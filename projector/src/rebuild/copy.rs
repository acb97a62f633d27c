//! Copies from the live tables what the log no longer has.

use tokio_postgres::IsolationLevel;

use crate::database::Connection;
use crate::row::bigint;
use crate::store::PROJECTOR;
use crate::{Error, SCHEMA};

/// Copies the executions that had events in the open range `(after, before)` of the log, which has
/// left it, with their submissions and recordings, and moves the checkpoint behind the range. How
/// many were copied.
pub(super) async fn copy_gap(
    beside: &mut Connection,
    after: u64,
    before: u64,
) -> Result<u64, Error> {
    let copy = async {
        let transaction = beside
            .build_transaction()
            // A recording may be stored while we copy.
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()
            .await?;
        let range: [&(dyn postgres_types::ToSql + Sync); 2] = [&bigint(after), &bigint(before)];
        let concerned = "live.last_sequence > $1 AND live.first_sequence < $2";
        transaction
            .execute(
                &format!(
                    "DELETE FROM executions USING {SCHEMA}.executions live
                     WHERE executions.id = live.id AND {concerned}
                     AND executions.last_sequence < live.last_sequence"
                ),
                &range,
            )
            .await?;
        let copied = transaction
            .execute(
                &format!(
                    "INSERT INTO executions SELECT live.* FROM {SCHEMA}.executions live
                     WHERE {concerned} ON CONFLICT DO NOTHING"
                ),
                &range,
            )
            .await?;
        for table in ["submissions", "recordings", "recordings_due"] {
            transaction
                .execute(
                    &format!(
                        "INSERT INTO {table} SELECT its.* FROM {SCHEMA}.{table} its
                         JOIN {SCHEMA}.executions live USING (id)
                         WHERE {concerned} ON CONFLICT DO NOTHING"
                    ),
                    &range,
                )
                .await?;
        }
        transaction
            .execute(
                "UPDATE projector_checkpoints SET last_sequence = $2::bigint - 1
                 WHERE projector = $3 AND last_sequence = $1",
                &[&bigint(after), &bigint(before), &PROJECTOR],
            )
            .await?;
        transaction.commit().await?;
        Ok(copied)
    };
    copy.await
        .map_err(Error::database("copy what has left the log"))
}

/// Copies the snippets that have left the log.
pub(super) async fn copy_snippets(beside: &Connection) -> Result<(), Error> {
    beside
        .batch_execute(&format!(
            "INSERT INTO snippets SELECT * FROM {SCHEMA}.snippets ON CONFLICT DO NOTHING"
        ))
        .await
        .map_err(Error::database("copy snippets"))
}

/// Copies the recordings that the live archiver has stored and we have not.
pub(super) async fn copy_new_recordings(beside: &Connection) -> Result<(), Error> {
    beside
        .batch_execute(&format!(
            "WITH copied AS (
                 INSERT INTO recordings SELECT its.* FROM {SCHEMA}.recordings its
                 JOIN recordings_due USING (id)
                 ON CONFLICT DO NOTHING
                 RETURNING id
             )
             DELETE FROM recordings_due USING copied WHERE recordings_due.id = copied.id"
        ))
        .await
        .map_err(Error::database("copy recordings"))
}

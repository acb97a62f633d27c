//! Removes objects that no row names: of an incomplete recording that gave way to a complete one, of
//! a rebuild that was broken off, or of one that packed the same output otherwise.

use std::collections::{HashMap, HashSet};

use runlog_nats::{Log, ObjectEntry};
use runlog_schemas::ExecutionId;
use uuid::Uuid;

use super::recording::execution_of;
use super::table::Table;
use crate::Error;

/// An object may be there before its row, for a moment; another projector that does not know yet
/// that it has been replaced may be about to write one.
const GRACE_MS: u64 = 3_600_000;

/// Objects that are compared with the rows at once.
const SOME: usize = 1_000;

/// Removes what nobody names. How many objects that were.
pub(super) async fn clean(log: &Log, table: &Table, now_ms: u64) -> Result<u64, Error> {
    if !table.begin_cleaning().await? {
        // A rebuild is under way, whose rows name objects too.
        return Ok(0);
    }
    let removed = remove(log, table, now_ms).await;
    table.end_cleaning().await?;
    removed
}

async fn remove(log: &Log, table: &Table, now_ms: u64) -> Result<u64, Error> {
    let mut removed = 0;
    let objects = log.list_objects().await?;
    for some in objects.chunks(SOME) {
        for name in unnamed(table, some, now_ms).await? {
            log.remove_object(&name).await?;
            tracing::info!(name, "removed an object that no recording names");
            removed += 1;
        }
    }
    Ok(removed)
}

/// Those that are old enough and that no row names.
async fn unnamed(
    table: &Table,
    objects: &[ObjectEntry],
    now_ms: u64,
) -> Result<Vec<String>, Error> {
    let old = objects
        .iter()
        .filter(|it| it.put_at_ms.saturating_add(GRACE_MS) <= now_ms);
    // What is not named as ours is nothing of ours.
    let mut candidates: HashMap<Uuid, HashSet<&str>> = HashMap::new();
    for object in old {
        if let Some(id) = execution_of(&object.name).map(ExecutionId::as_uuid) {
            candidates.entry(id).or_default().insert(&object.name);
        }
    }
    let ids: Vec<Uuid> = candidates.keys().copied().collect();
    for (id, name) in table.objects(&ids).await? {
        if let Some(names) = candidates.get_mut(&id) {
            names.remove(name.as_str());
        }
    }
    let left = candidates.into_values().flatten();
    Ok(left.map(str::to_owned).collect())
}

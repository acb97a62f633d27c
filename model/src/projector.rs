//! Projectors and their tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use runlog_projector::{Row, plan};
use runlog_schemas::{ExecutionEvent, ExecutionId};

use crate::log::MemoryLog;

/// The read models.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub(crate) checkpoint: u64,
    pub(crate) rows: BTreeMap<ExecutionId, Row>,
    pub(crate) submissions: BTreeMap<ExecutionId, ExecutionEvent>,
    pub(crate) recordings_due: BTreeSet<ExecutionId>,
}

/// PostgreSQL: the tables, and what they were before the latest transactions.
#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) tables: Tables,
    before: Vec<Tables>,
    /// The projector that moved the checkpoint in a transaction that is still open.
    locked_by: Option<usize>,
    /// The checkpoint moves in a transaction of its own. For the model's own test.
    apart: bool,
}

/// A projector's process.
#[derive(Debug, Default)]
pub(crate) struct Projector {
    /// Where it believes the checkpoint to be.
    checkpoint: Option<u64>,
    /// What its open transaction will have written.
    open: Option<Tables>,
}

impl Database {
    pub(crate) fn new(apart: bool) -> Self {
        Self {
            apart,
            ..Self::default()
        }
    }

    /// Loses the latest transactions, the latest first; whatever was open is gone.
    pub(crate) fn lose(&mut self, transactions: usize) {
        self.locked_by = None;
        for _ in 0..transactions {
            if let Some(before) = self.before.pop() {
                self.tables = before;
            }
        }
    }

    fn commit(&mut self, tables: Tables) {
        let before = std::mem::replace(&mut self.tables, tables);
        self.before.push(before);
        if self.before.len() > 3 {
            self.before.remove(0);
        }
    }
}

impl Projector {
    /// Begins a transaction over the next events.
    pub(crate) fn plan(
        &mut self,
        number: usize,
        database: &mut Database,
        log: &MemoryLog,
        events: usize,
    ) -> Result<(), String> {
        if self.open.is_some() || database.locked_by.is_some_and(|it| it != number) {
            return Ok(());
        }
        let checkpoint = *self.checkpoint.get_or_insert(database.tables.checkpoint);
        let mut batch = log.tail(checkpoint);
        batch.truncate(events.max(1));
        let Some(last) = batch.last().map(|it| it.sequence) else {
            return Ok(());
        };
        if database.tables.checkpoint != checkpoint {
            // Another projector owns this place: begin anew.
            self.checkpoint = None;
            return Ok(());
        }
        if database.apart {
            let mut moved = database.tables.clone();
            moved.checkpoint = last;
            database.commit(moved);
        }
        database.locked_by = Some(number);
        let mut tables = database.tables.clone();
        let rows: HashMap<ExecutionId, Row> = batch
            .iter()
            .filter_map(|it| Some((it.id, tables.rows.get(&it.id)?.clone())))
            .collect();
        let plan = plan(checkpoint, rows, &batch).map_err(|error| error.to_string())?;
        tables.checkpoint = plan.to;
        tables.rows.extend(plan.rows);
        for (id, event) in plan.submissions {
            tables
                .submissions
                .entry(id)
                .or_insert_with(|| event.clone());
        }
        tables.recordings_due.extend(plan.recordings);
        self.open = Some(tables);
        Ok(())
    }

    pub(crate) fn commit(&mut self, number: usize, database: &mut Database) {
        if let Some(tables) = self.open.take() {
            if database.locked_by == Some(number) {
                database.locked_by = None;
                self.checkpoint = Some(tables.checkpoint);
                database.commit(tables);
            } else {
                // The server died under the transaction.
                self.checkpoint = None;
            }
        }
    }

    /// Dies; its transaction is rolled back.
    pub(crate) fn kill(&mut self, number: usize, database: &mut Database) {
        if database.locked_by == Some(number) {
            database.locked_by = None;
        }
        *self = Self::default();
    }
}

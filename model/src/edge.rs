//! The edge: what it says to those who submit and cancel.

use std::collections::BTreeMap;

use runlog_schemas::{Command, ExecutionId, decide};

use crate::log::{Conflict, MemoryLog};
use crate::op::Fault;
use crate::program;

/// What somebody knows of their submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// 202.
    Accepted,
    /// No answer, or 503: it may be in the log.
    Unknown,
}

/// All edges: they hold nothing but this, which their clients hold.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    pub(crate) told: BTreeMap<ExecutionId, Told>,
}

impl Clients {
    pub(crate) fn submit(
        &mut self,
        log: &mut MemoryLog,
        key: u8,
        now_ms: u64,
        fault: Fault,
    ) -> Result<(), String> {
        let id = program::id(key);
        if fault == Fault::RequestLost {
            self.told.entry(id).or_insert(Told::Unknown);
            return Ok(());
        }
        let submission = program::submission(key, false);
        let appended = log.append_submission(id, &submission, now_ms);
        if fault == Fault::ReplyLost {
            self.told.entry(id).or_insert(Told::Unknown);
            return Ok(());
        }
        // A second time under the same key: what is there must be the same.
        if appended == Err(Conflict) {
            let execution = log.execution(id);
            let digest = execution.origin.and_then(|it| it.request_digest);
            if digest != submission.request_digest {
                return Err(format!("the same request for {id} is refused: {digest:?}"));
            }
        }
        self.told.insert(id, Told::Accepted);
        Ok(())
    }

    /// Something else under a key that is taken: refused. Under a free one it would be accepted,
    /// which is of no interest here.
    pub(crate) fn submit_other(
        &self,
        log: &mut MemoryLog,
        key: u8,
        now_ms: u64,
    ) -> Result<(), String> {
        let id = program::id(key);
        if log.events(id).is_empty() {
            return Ok(());
        }
        let submission = program::submission(key, true);
        match log.append_submission(id, &submission, now_ms) {
            Err(Conflict) => Ok(()),
            Ok(sequence) => Err(format!("{id} is submitted a second time, at {sequence}")),
        }
    }

    /// `true` where its worker is to be told.
    pub(crate) fn cancel(log: &mut MemoryLog, key: u8, now_ms: u64, fault: Fault) -> bool {
        let id = program::id(key);
        let expected = log.last_status(id);
        let decided = decide(&log.execution(id), Command::Cancel, now_ms);
        let Ok(Some(event)) = decided else {
            return false;
        };
        if fault == Fault::RequestLost {
            return false;
        }
        log.append_status(id, expected, &event).is_ok() && fault == Fault::None
    }
}

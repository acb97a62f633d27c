//! One append, from its first sending to what became of it.

use runlog_schemas::{ExecutionEvent, ExecutionId};

use crate::log::{Conflict, MemoryLog};
use crate::op::Fault;

/// An append on its way.
#[derive(Clone, Debug)]
pub struct Append {
    pub(crate) event: ExecutionEvent,
    pub(crate) expected: u64,
    pub(crate) mark: u64,
    /// It was sent once, and nothing was heard of it.
    pub(crate) unclear: bool,
}

impl Append {
    /// Tries it, as the client of the log does: what is unclear is looked for, never assumed.
    /// `None` while it is not known.
    pub(crate) fn attempt(
        &mut self,
        log: &mut MemoryLog,
        id: ExecutionId,
        fault: Fault,
    ) -> Option<Result<u64, Conflict>> {
        if fault == Fault::RequestLost {
            self.unclear = true;
            return None;
        }
        if self.unclear {
            match log.find_out(id, self.expected, self.mark) {
                Some((sequence, true)) => return Some(Ok(sequence)),
                Some((_, false)) => return Some(Err(Conflict)),
                None => {}
            }
        }
        let appended = log.append_marked(id, self.expected, &self.event, self.mark);
        if fault == Fault::ReplyLost {
            self.unclear = true;
            return None;
        }
        Some(appended)
    }
}

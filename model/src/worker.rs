//! A worker's process.

use runlog_schemas::Priority;

use crate::log::MemoryLog;
use crate::op::{Fault, Sabotage};
use crate::program::{self, KEYS};
use crate::run::Run;

/// Runs at once.
const SLOTS: usize = 2;

/// A worker.
pub(crate) struct Worker {
    name: String,
    pub(crate) paused: bool,
    /// It takes nothing more, and ends when nothing runs.
    stopping: bool,
    pub(crate) runs: Vec<Run>,
}

impl Worker {
    pub(crate) fn new(number: u64) -> Self {
        Self {
            name: format!("w{number}"),
            paused: false,
            stopping: false,
            runs: Vec::new(),
        }
    }

    /// Whether it has ended after a shutdown.
    pub(crate) const fn has_ended(&self) -> bool {
        self.stopping && self.runs.is_empty()
    }

    /// Takes the next submission, the better queue first.
    pub(crate) fn pull(&mut self, log: &mut MemoryLog, now_ms: u64, sabotage: Option<Sabotage>) {
        if self.paused || self.stopping || self.runs.len() >= SLOTS {
            return;
        }
        for priority in Priority::ALL {
            let Some(delivered) = log.pull(priority, now_ms) else {
                continue;
            };
            let id = log.at(delivered.sequence).map(|it| it.id);
            let Some(key) = (0..KEYS).find(|key| Some(program::id(*key)) == id) else {
                return;
            };
            // It runs here already, and its lease ran out or looked so.
            if !self.runs.iter().any(|run| run.key == key) {
                self.runs
                    .extend(Run::new(key, delivered, &self.name, log, sabotage));
            }
            return;
        }
    }

    /// Goes one step on; `false` where there is none.
    pub(crate) fn step(
        &mut self,
        log: &mut MemoryLog,
        now_ms: u64,
        choice: u8,
        fault: Fault,
    ) -> bool {
        if self.paused {
            return false;
        }
        let runs = self.runs.len();
        let Some(run) = self.runs.get_mut(usize::from(choice) % runs.max(1)) else {
            return false;
        };
        let went = run.step(log, now_ms, choice / 2, fault);
        self.runs.retain(|run| !run.is_over());
        went
    }

    /// Does something to one of its runs.
    pub(crate) fn with_run(&mut self, choice: u8, what: impl FnOnce(&mut Run)) {
        if self.paused {
            return;
        }
        let runs = self.runs.len();
        if let Some(run) = self.runs.get_mut(usize::from(choice) % runs.max(1)) {
            what(run);
        }
        self.runs.retain(|run| !run.is_over());
    }

    pub(crate) fn shut_down(&mut self, log: &mut MemoryLog, now_ms: u64) {
        self.stopping = true;
        for run in &mut self.runs {
            if let Some(attempting) = run.attempt() {
                attempting.shut_down(now_ms);
            }
            run.pump(log, now_ms);
        }
        self.runs.retain(|run| !run.is_over());
    }
}

//! Everything together, and one operation after the other.

use std::fmt;

use runlog_schemas::{Command, State, decide};

use crate::check;
use crate::edge::Clients;
use crate::log::MemoryLog;
use crate::op::{Fault, Op, Sabotage};
use crate::program::{self, KEYS};
use crate::projector::{Database, Projector};
use crate::viewer::Viewer;
use crate::worker::Worker;

const WORKERS: usize = 3;
const PROJECTORS: usize = 2;
const VIEWERS: u8 = KEYS * 2;

/// Rounds without faults after which everything must have come to rest.
const ROUNDS: usize = 200;

/// Steps of one worker in one round.
const STEPS: usize = 1_000;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed(pub String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything.
pub(crate) struct World {
    pub(crate) now_ms: u64,
    pub(crate) log: MemoryLog,
    pub(crate) clients: Clients,
    pub(crate) database: Database,
    pub(crate) viewers: Vec<Viewer>,
    workers: Vec<Worker>,
    projectors: [Projector; PROJECTORS],
    /// How many workers there have been.
    hired: u64,
    sabotage: Option<Sabotage>,
}

/// Plays a history to its end and checks what was promised.
///
/// # Errors
/// When a promise is broken.
pub fn play(ops: &[Op]) -> Result<(), Failed> {
    World::new(None).play(ops)
}

/// The same with a part that is broken.
///
/// # Errors
/// When a promise is broken, as it should be.
pub fn play_sabotaged(ops: &[Op], sabotage: Sabotage) -> Result<(), Failed> {
    World::new(Some(sabotage)).play(ops)
}

impl World {
    fn new(sabotage: Option<Sabotage>) -> Self {
        let mut log = MemoryLog::default();
        log.without_fence = sabotage == Some(Sabotage::NoFence);
        let mut world = Self {
            now_ms: 1_000,
            log,
            clients: Clients::default(),
            database: Database::new(sabotage == Some(Sabotage::CheckpointApart)),
            viewers: (0..VIEWERS)
                .map(|it| Viewer::new(program::id(it % KEYS)))
                .collect(),
            workers: Vec::new(),
            projectors: [Projector::default(), Projector::default()],
            hired: 0,
            sabotage,
        };
        for _ in 0..WORKERS {
            let worker = world.hire();
            world.workers.push(worker);
        }
        world
    }

    fn hire(&mut self) -> Worker {
        self.hired += 1;
        Worker::new(self.hired)
    }

    fn play(mut self, ops: &[Op]) -> Result<(), Failed> {
        for op in ops {
            self.perform(*op).map_err(Failed)?;
        }
        self.come_to_rest()
            .and_then(|()| check::everything(&mut self))
            .map_err(Failed)
    }

    fn perform(&mut self, op: Op) -> Result<(), String> {
        let now_ms = self.now_ms;
        match op {
            Op::Submit { key, fault } => {
                self.clients
                    .submit(&mut self.log, key % KEYS, now_ms, fault)?;
            }
            Op::SubmitOther { key } => {
                self.clients
                    .submit_other(&mut self.log, key % KEYS, now_ms)?;
            }
            Op::Cancel { key, fault } => self.cancel(key % KEYS, fault),
            Op::Pass { ms } => self.now_ms += u64::from(ms),
            Op::Sweep => self.sweep(),
            Op::View { viewer, lifecycle } => {
                let number = usize::from(viewer % VIEWERS);
                let more = viewer >= VIEWERS;
                while self.viewers[number].hear(&self.log, lifecycle)? && more {}
            }
            Op::Reconnect { viewer } => {
                let forgetful = self.sabotage == Some(Sabotage::ForgetfulViewer);
                let number = usize::from(viewer % VIEWERS);
                self.viewers[number].reconnect(forgetful);
            }
            Op::Plan { .. } | Op::Commit { .. } | Op::KillProjector { .. } => {
                self.project(op)?;
            }
            Op::LoseTables { transactions } => {
                self.database.lose(usize::from(transactions % 3));
                // Every connection is gone.
                self.projectors = [Projector::default(), Projector::default()];
            }
            Op::Pull { worker }
            | Op::Step { worker, .. }
            | Op::Break { worker, .. }
            | Op::GiveUp { worker, .. }
            | Op::Beat { worker, .. }
            | Op::Pause { worker }
            | Op::Resume { worker }
            | Op::Kill { worker }
            | Op::Shutdown { worker } => self.work(usize::from(worker) % WORKERS, op),
        }
        Ok(())
    }

    fn work(&mut self, number: usize, op: Op) {
        let now_ms = self.now_ms;
        let (log, worker) = (&mut self.log, &mut self.workers[number]);
        match op {
            Op::Pull { .. } => worker.pull(log, now_ms, self.sabotage),
            Op::Step { choice, fault, .. } => {
                worker.step(log, now_ms, choice, fault);
            }
            Op::Break { choice, .. } => worker.with_run(choice, |run| {
                if let Some(attempting) = run.attempt() {
                    attempting.break_down(now_ms);
                }
                run.pump(log, now_ms);
            }),
            Op::GiveUp { choice, .. } => worker.with_run(choice, crate::run::Run::give_up),
            Op::Beat { choice, .. } => worker.with_run(choice, |run| {
                if let Some(attempting) = run.attempt() {
                    attempting.beat(now_ms);
                }
                run.pump(log, now_ms);
            }),
            Op::Pause { .. } => worker.paused = true,
            Op::Resume { .. } => worker.paused = false,
            Op::Shutdown { .. } if !worker.paused => worker.shut_down(log, now_ms),
            Op::Kill { .. } => self.workers[number] = self.hire(),
            _ => {}
        }
        if self.workers[number].has_ended() {
            self.workers[number] = self.hire();
        }
    }

    fn project(&mut self, op: Op) -> Result<(), String> {
        let database = &mut self.database;
        match op {
            Op::Plan { projector, events } => {
                let number = usize::from(projector) % PROJECTORS;
                let events = usize::from(events % 8);
                self.projectors[number].plan(number, database, &self.log, events)?;
            }
            Op::Commit { projector } => {
                let number = usize::from(projector) % PROJECTORS;
                self.projectors[number].commit(number, database);
            }
            Op::KillProjector { projector } => {
                let number = usize::from(projector) % PROJECTORS;
                self.projectors[number].kill(number, database);
            }
            _ => {}
        }
        Ok(())
    }

    fn cancel(&mut self, key: u8, fault: Fault) {
        let now_ms = self.now_ms;
        if !Clients::cancel(&mut self.log, key, now_ms, fault) {
            return;
        }
        for worker in self.workers.iter_mut().filter(|it| !it.paused) {
            for run in worker.runs.iter_mut().filter(|it| it.key == key) {
                if let Some(attempting) = run.attempt() {
                    attempting.cancel(now_ms);
                }
                run.pump(&mut self.log, now_ms);
            }
            worker.runs.retain(|run| !run.is_over());
        }
    }

    /// Ends what the tables say has waited too long, as far as the log agrees.
    fn sweep(&mut self) {
        let now_ms = self.now_ms;
        let waiting: Vec<_> = self
            .database
            .tables
            .rows
            .iter()
            .filter(|(_, row)| matches!(row.execution.state, State::Queued { .. }))
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            let execution = self.log.execution(id);
            let deadline_ms = execution.origin.as_ref().and_then(|origin| {
                let State::Queued { not_before_ms, .. } = execution.state else {
                    return None;
                };
                Some(not_before_ms.unwrap_or(origin.submitted_at_ms) + origin.queue_limit_ms)
            });
            if deadline_ms.is_none_or(|it| it > now_ms) {
                continue;
            }
            let expected = self.log.last_status(id);
            if let Ok(Some(event)) = decide(&execution, Command::Expire, now_ms) {
                // A refusal means that somebody was faster.
                let _ = self.log.append_status(id, expected, &event);
            }
        }
    }

    /// Nothing fails any more: whatever was accepted must end.
    fn come_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            for number in 0..WORKERS {
                self.work_on(number)?;
            }
            self.sweep();
            if self.log.is_idle() && (0..KEYS).all(|key| self.is_done(key)) {
                return self.catch_up();
            }
            self.now_ms = self
                .log
                .next_due_ms()
                .map_or(self.now_ms + 1_000, |due| due.max(self.now_ms + 1));
        }
        let open: Vec<_> = (0..KEYS).filter(|key| !self.is_done(*key)).collect();
        Err(format!("it does not come to rest: {open:?} do not end"))
    }

    fn is_done(&self, key: u8) -> bool {
        let execution = self.log.execution(program::id(key));
        execution.state == State::Absent || execution.end().is_some()
    }

    fn work_on(&mut self, number: usize) -> Result<(), String> {
        let now_ms = self.now_ms;
        self.workers[number].paused = false;
        if self.workers[number].has_ended() {
            self.workers[number] = self.hire();
        }
        let (log, worker) = (&mut self.log, &mut self.workers[number]);
        for step in 0..STEPS {
            worker.pull(log, now_ms, self.sabotage);
            worker.pull(log, now_ms, self.sabotage);
            let mut went = false;
            for choice in 0..u8::try_from(worker.runs.len()).unwrap_or(u8::MAX) {
                went |= worker.step(log, now_ms, choice, Fault::None);
            }
            if !went {
                return Ok(());
            }
            if step + 1 == STEPS {
                return Err("a worker goes on for ever".to_owned());
            }
        }
        Ok(())
    }

    /// Projectors and viewers read to the end.
    fn catch_up(&mut self) -> Result<(), String> {
        for number in 0..PROJECTORS {
            self.projectors[number].commit(number, &mut self.database);
        }
        let end = self.log.entries.len() as u64;
        for _ in 0..=end * 4 + 4 {
            for projector in [0, 1] {
                self.project(Op::Plan {
                    projector,
                    events: 7,
                })?;
                self.project(Op::Commit { projector })?;
            }
        }
        for viewer in &mut self.viewers {
            while viewer.hear(&self.log, true)? {}
            while viewer.hear(&self.log, false)? {}
        }
        Ok(())
    }
}

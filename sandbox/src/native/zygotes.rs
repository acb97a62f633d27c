//! The runtimes of a forked host.
//!
//! Whatever such a runtime drew at random when it started, all its forks share: the order of
//! Python's sets, the layout of the address space. So there are several, used in turn, and each is
//! replaced after a while; what makes the next one yields to all other work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use super::config::WarmHost;
use super::flavour::{Flavour, Report};
use super::link::Link;

/// How many there are: neighbouring cells are forks of different ones.
const SEVERAL: usize = 3;

/// Forks after which the oldest is replaced.
const FORKS: u32 = 128;

/// While forks are rarer than this, each is a reason to replace the oldest.
const RARE: Duration = Duration::from_millis(500);

/// How long a runtime that could not be started is left alone.
const BROKEN: Duration = Duration::from_secs(60);

/// The runtimes of one host.
#[derive(Debug, Default)]
pub(super) struct Zygotes {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The next one to be used first.
    ready: VecDeque<(Instant, Arc<Link>)>,
    is_coming: bool,
    /// Since the last one came.
    forks: u32,
    broken: Option<Instant>,
    closed: bool,
}

impl Zygotes {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one to fork a cell from, if any is ready.
    pub(super) fn next(&self) -> Option<Arc<Link>> {
        let mut state = self.state();
        state.forks += 1;
        let turn = usize::from(!state.ready.is_empty());
        state.ready.rotate_left(turn);
        state.ready.back().map(|(_, link)| Arc::clone(link))
    }

    /// Whether all are there.
    pub(super) fn are_complete(&self) -> bool {
        self.state().ready.len() >= SEVERAL
    }

    /// Whether any is.
    pub(super) fn is_empty(&self) -> bool {
        self.state().ready.is_empty()
    }

    /// Starts one if one is missing or due to be replaced.
    pub(super) fn renew(shared: &Arc<Shared>, flavour: &Arc<Flavour>) {
        let Some((host, zygotes)) = flavour.forked() else {
            return;
        };
        if !zygotes.state().wants_another(Instant::now()) {
            return;
        }
        let (maker, of, host) = (Arc::clone(shared), Arc::clone(flavour), host.clone());
        shared.in_background(async move {
            let started = Link::start(&maker.config, Some(&host)).await;
            if let Some((_, zygotes)) = of.forked() {
                zygotes.add(started, &host);
            }
            Flavour::tend(&maker, &of);
        });
    }

    fn add(&self, started: Result<Link, crate::Error>, host: &WarmHost) {
        let now = Instant::now();
        let mut state = self.state();
        state.is_coming = false;
        let replaced = match started {
            Ok(link) if state.closed => Some((now, Arc::new(link))),
            Ok(link) => {
                state.forks = 0;
                // Cells that it made keep a replaced one alive.
                let replaced = if state.ready.len() >= SEVERAL {
                    state.pop_oldest()
                } else {
                    None
                };
                // The last to be used, as there may be cells of it soon anyway.
                state.ready.push_front((now, Arc::new(link)));
                replaced
            }
            Err(error) => {
                tracing::warn!(host = host.name, error = %Report(&error), "a warm host cannot be started");
                state.broken = Some(now);
                None
            }
        };
        drop(state);
        drop(replaced);
    }

    /// Ends all of them, as soon as their cells are gone.
    pub(super) fn close(&self) -> Vec<Arc<Link>> {
        let mut state = self.state();
        state.closed = true;
        state.ready.drain(..).map(|(_, link)| link).collect()
    }
}

impl State {
    /// Whether another one is to be started, which is then taken to be coming.
    fn wants_another(&mut self, now: Instant) -> bool {
        let rested = self.broken.is_none_or(|at| now - at >= BROKEN);
        let newest = self.ready.iter().map(|(since, _)| *since).max();
        let is_rare = newest.is_none_or(|since| now - since >= RARE);
        let is_due = self.forks >= FORKS || (self.forks > 0 && is_rare);
        let wants =
            !self.closed && !self.is_coming && rested && (self.ready.len() < SEVERAL || is_due);
        self.is_coming |= wants;
        wants
    }

    fn pop_oldest(&mut self) -> Option<(Instant, Arc<Link>)> {
        let ages = self.ready.iter().enumerate();
        let oldest = ages.min_by_key(|(_, (since, _))| *since)?.0;
        self.ready.remove(oldest)
    }
}

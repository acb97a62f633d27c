//! Cells that wait ready to be used, each once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shared;
use super::body::Body;
use crate::{Error, Parked};

/// The parked cells of an engine.
#[derive(Debug, Default)]
pub(super) struct Pool {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parked: VecDeque<Body>,
    /// Cells that are being made for the pool.
    coming: usize,
    closed: bool,
}

impl State {
    fn take(&mut self, disk_bytes: u64) -> Option<Body> {
        let place = self.parked.iter().position(|body| body.fits(disk_bytes))?;
        self.parked.remove(place)
    }
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A parked cell that is alive and can have a disk of that size, the oldest first.
    pub(super) fn take(&self, disk_bytes: u64) -> Option<Body> {
        loop {
            // Not in one expression: a dead one is dropped after the lock.
            let next = self.state().take(disk_bytes)?;
            if next.is_alive() {
                return Some(next);
            }
        }
    }

    /// Starts to make what is missing.
    pub(super) fn refill(shared: &Arc<Shared>) {
        let mut state = shared.pool.state();
        let there = state.parked.len() + state.coming;
        let missing = shared.config.parked_cells.saturating_sub(there);
        if state.closed {
            return;
        }
        state.coming += missing;
        drop(state);
        for _ in 0..missing {
            let maker = Arc::clone(shared);
            shared.in_background(async move {
                let made = Body::make(Arc::clone(&maker), maker.config.parked_disk_bytes).await;
                maker.pool.park(made);
            });
        }
    }

    fn park(&self, made: Result<Body, Error>) {
        let mut state = self.state();
        state.coming -= 1;
        match made {
            Ok(body) if !state.closed => state.parked.push_back(body),
            Ok(body) => {
                drop(state);
                drop(body);
            }
            // The next cell that is taken tries again.
            Err(error) => tracing::warn!(error = %Report(&error), "a cell could not be parked"),
        }
    }

    /// Ends the pool; the cells in it are dropped.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let parked = std::mem::take(&mut state.parked);
        drop(state);
        drop(parked);
    }

    /// What is parked, for whoever measures.
    pub(super) fn report(&self) -> Parked {
        let state = self.state();
        let used = |body: &Body| body.memory_bytes().unwrap_or(0);
        Parked {
            warm: None,
            cells: state.parked.len(),
            memory_bytes: state.parked.iter().map(used).sum(),
        }
    }

    /// How many cells are parked.
    pub(super) fn parked(&self) -> usize {
        self.state().parked.len()
    }
}

/// An error with its cause.
struct Report<'a>(&'a Error);

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        match std::error::Error::source(self.0) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

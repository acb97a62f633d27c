//! Cells of one kind that wait ready to be used, each once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Shared;
use super::body::Body;
use super::demand::Demand;
use super::flavour::{Flavour, Report};
use crate::Error;

/// What a cell is taken to use of memory before one was measured.
const GUESSED_BYTES: u64 = 16 << 20;

/// The parked cells of one kind.
#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    /// How many are made at once at the most.
    at_once: usize,
}

#[derive(Debug)]
struct State {
    /// With the memory that each takes.
    parked: VecDeque<(Body, u64)>,
    demand: Demand,
    /// Cells that are being made for the pool.
    coming: usize,
    /// Memory that a cell takes.
    cell_bytes: u64,
    closed: bool,
}

impl State {
    fn bytes(&self) -> u64 {
        let parked: u64 = self.parked.iter().map(|(_, bytes)| bytes).sum();
        parked + self.coming as u64 * self.cell_bytes
    }
}

impl Pool {
    /// A pool of `least` to `most` cells.
    pub(super) fn new(least: usize, most: usize, at_once: usize) -> Self {
        Self {
            state: Mutex::new(State {
                parked: VecDeque::new(),
                demand: Demand::new(least, most, Instant::now()),
                coming: 0,
                cell_bytes: GUESSED_BYTES,
                closed: false,
            }),
            at_once,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A parked cell that is alive, the oldest first. Each call is a sign of demand.
    pub(super) fn take(&self) -> Option<Body> {
        self.state().demand.taken(Instant::now());
        loop {
            // Not in one expression: a dead one is dropped after the lock.
            let next = self.state().parked.pop_front();
            match next {
                Some((body, _)) if body.is_alive() => return Some(body),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Starts to make what is missing, as far as memory allows, and drops what is too much.
    pub(super) fn refill(shared: &Arc<Shared>, flavour: &Arc<Flavour>) {
        // Counted before the lock: another pool's comes while its own is held.
        let elsewhere = shared
            .flavours
            .iter()
            .filter(|it| !Arc::ptr_eq(it, flavour));
        let elsewhere: u64 = elsewhere.map(|it| it.pool.bytes()).sum();
        let mut state = flavour.pool.state();
        if state.closed {
            return;
        }
        let target = state.demand.target(Instant::now());
        let surplus = state.parked.len().saturating_sub(target);
        let dropped: Vec<_> = state.parked.drain(..surplus).collect();
        let room = shared
            .config
            .parked_bytes
            .saturating_sub(elsewhere + state.bytes());
        let affordable = usize::try_from(room / state.cell_bytes.max(1)).unwrap_or(usize::MAX);
        let there = state.parked.len() + state.coming;
        let missing = target.saturating_sub(there).min(affordable);
        let missing = missing.min(flavour.pool.at_once.saturating_sub(state.coming));
        state.coming += missing;
        drop(state);
        drop(dropped);
        for _ in 0..missing {
            let (maker, of) = (Arc::clone(shared), Arc::clone(flavour));
            shared.in_background(async move {
                let made = Flavour::make(&maker, &of, maker.config.parked_disk_bytes).await;
                if of.pool.park(made) && of.pool.at_once < usize::MAX {
                    Flavour::tend(&maker, &of);
                }
            });
        }
    }

    /// Whether it went well.
    fn park(&self, made: Result<Body, Error>) -> bool {
        let measured = made.map(|mut body| {
            let bytes = body.parts().group.memory().unwrap_or(GUESSED_BYTES);
            (body, bytes)
        });
        let mut state = self.state();
        state.coming -= 1;
        match measured {
            Ok((body, bytes)) if !state.closed => {
                state.cell_bytes = bytes;
                state.parked.push_back((body, bytes));
                true
            }
            Ok(unwanted) => {
                drop(state);
                drop(unwanted);
                false
            }
            // The next cell that is taken tries again.
            Err(error) => {
                tracing::warn!(error = %Report(&error), "a cell could not be parked");
                false
            }
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

    /// How many cells are parked, and the bytes of memory that they take.
    pub(super) fn parked(&self) -> (usize, u64) {
        let state = self.state();
        (
            state.parked.len(),
            state.parked.iter().map(|(_, bytes)| bytes).sum(),
        )
    }

    /// Memory of the cells that are parked or coming.
    fn bytes(&self) -> u64 {
        self.state().bytes()
    }
}

//! Which host uids a cell has: no two living cells of this process share any.

use std::sync::{Mutex, PoisonError};

use super::weaken::{self, Weakening};

/// Uids per process, two for each cell.
const PER_PROCESS: u32 = 1024;

/// Process numbers that are told apart.
const PROCESSES: u32 = 1 << 20;

/// Numbers in use, one per cell. Of the process and not of the engine: two engines in one
/// process must not share either.
static TAKEN: Mutex<Vec<bool>> = Mutex::new(Vec::new());

/// A pair of host uids, its own for as long as this lives.
#[derive(Debug)]
pub(crate) struct Uids {
    slot: u32,
    first: u32,
}

impl Uids {
    /// Takes a free pair; `None` when there are too many cells.
    pub(crate) fn take(base: u32) -> Option<Self> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let free = taken.iter().position(|taken| !taken).unwrap_or(taken.len());
        let slot = u32::try_from(free)
            .ok()
            .filter(|slot| 2 * slot < PER_PROCESS)?;
        if free == taken.len() {
            taken.push(true);
        } else {
            taken[free] = true;
        }
        let process = std::process::id() % PROCESSES;
        let alike = weaken::is(Weakening::OneUid);
        Some(Self {
            slot,
            first: base + process * PER_PROCESS + 2 * if alike { 0 } else { slot },
        })
    }

    /// The cell's root on the host; the program's uid is the next one.
    pub(crate) fn first(&self) -> u32 {
        self.first
    }
}

impl Drop for Uids {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken[self.slot as usize] = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn living_pairs_never_overlap() {
        let pairs: Vec<_> = (0..100).map(|_| Uids::take(1 << 28).unwrap()).collect();
        let mut firsts: Vec<_> = pairs.iter().map(Uids::first).collect();
        firsts.sort_unstable();
        assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] >= 2));
    }
}

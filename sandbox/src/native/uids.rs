//! Which host uids a cell has: no two living cells of this process share any.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use super::weaken::{self, Weakening};

/// Uids per process, two for each cell.
const PER_PROCESS: u32 = 1024;

/// Process numbers that are told apart.
const PROCESSES: u32 = 1 << 20;

/// The first of those that are given out by process numbers.
const FIRST: u32 = 1 << 28;

/// Below are users that the machine itself may have.
const LEAST: u32 = 1 << 16;

/// The greatest number means nobody.
const MOST: u32 = u32::MAX - PER_PROCESS;

/// Which of the host's uids and gids the cells of a process may have: 1024 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UidRange {
    /// By the number of the process, so that processes which could see each other keep apart: some
    /// of the 2^30 from 2^28 on.
    #[default]
    ByProcess,
    /// From this one on, which whoever sets it gives to no other process that shares the kernel:
    /// processes in different containers may have the same number.
    From(u32),
}

impl UidRange {
    fn first(self) -> u32 {
        match self {
            Self::ByProcess => FIRST + std::process::id() % PROCESSES * PER_PROCESS,
            Self::From(first) => first,
        }
    }
}

impl FromStr for UidRange {
    type Err = String;

    /// Reads the first uid.
    fn from_str(text: &str) -> Result<Self, String> {
        let first = text.parse().ok();
        let first = first.filter(|first| (LEAST..=MOST).contains(first));
        first.map(Self::From).ok_or_else(|| {
            format!(
                "{text:?} is not the first of {PER_PROCESS} uids between {LEAST} and {}",
                u32::MAX - 1
            )
        })
    }
}

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
    pub(crate) fn take(range: UidRange) -> Option<Self> {
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
        let alike = weaken::is(Weakening::OneUid);
        Some(Self {
            slot,
            first: range.first() + 2 * if alike { 0 } else { slot },
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
        let pairs: Vec<_> = (0..100)
            .map(|_| Uids::take(UidRange::ByProcess).unwrap())
            .collect();
        let mut firsts: Vec<_> = pairs.iter().map(Uids::first).collect();
        firsts.sort_unstable();
        assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] >= 2));
    }

    #[test]
    fn a_range_is_no_users_and_no_nobodys() {
        assert_eq!("65536".parse(), Ok(UidRange::From(65536)));
        assert_eq!("4294966271".parse(), Ok(UidRange::From(MOST)));
        for wrong in ["65535", "4294966272", "4294967296", "-1", "", "many"] {
            let complaint = wrong.parse::<UidRange>().unwrap_err();
            assert!(complaint.contains(&format!("{wrong:?}")), "{complaint}");
            assert!(complaint.contains("65536"), "{complaint}");
        }
    }

    #[test]
    fn a_process_has_its_own_range_unless_one_is_set() {
        let by_process = UidRange::ByProcess.first();
        assert!((FIRST..FIRST + PROCESSES * (PER_PROCESS - 1)).contains(&by_process));
        assert_eq!(UidRange::From(1 << 20).first(), 1 << 20);
    }
}

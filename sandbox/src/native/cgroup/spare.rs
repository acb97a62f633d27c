//! Control groups of cells that have ended, for cells to come: for the kernel, to make and to remove
//! a cell's groups is as much work as many a program is.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::group::Group;

/// More wait only where more cells ended at once than were wanted since.
const MOST: usize = 32;

/// What nobody has wanted for so long is more than is needed.
const UNUSED: Duration = Duration::from_secs(10);

/// How often a group is looked at until the last process has left it, which it does just after its
/// death was seen.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_micros(200);

/// Groups that are as new, those that came last first, each with when it came.
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<Vec<(Instant, Group)>>);

impl Spares {
    fn all(&self) -> MutexGuard<'_, Vec<(Instant, Group)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> Option<Group> {
        self.all().pop().map(|(_, group)| group)
    }

    /// Keeps a group whose processes are dead, or removes it where it cannot be made as new.
    pub(super) fn keep(&self, mut group: Group) -> io::Result<()> {
        if !renew(&mut group) {
            return group.remove();
        }
        let mut all = self.all();
        if all.len() < MOST {
            all.push((Instant::now(), group));
            return Ok(());
        }
        drop(all);
        group.remove()
    }

    /// Removes what nobody has wanted for long.
    pub(super) fn age(&self) {
        self.remove_if(|came| came.elapsed() > UNUSED);
    }

    /// Removes them all.
    pub(super) fn clear(&self) {
        self.remove_if(|_| true);
    }

    fn remove_if(&self, is_unwanted: impl Fn(Instant) -> bool) {
        let unwanted: Vec<_> = self
            .all()
            .extract_if(.., |(came, _)| is_unwanted(*came))
            .collect();
        for (_, group) in unwanted {
            if let Err(error) = group.remove() {
                tracing::warn!(%error, "a spare cgroup could not be removed");
            }
        }
    }
}

fn renew(group: &mut Group) -> bool {
    for _ in 0..LOOKS {
        match group.renew() {
            Ok(None) => std::thread::sleep(BETWEEN_LOOKS),
            Ok(Some(is_new)) => return is_new,
            Err(_) => return false,
        }
    }
    false
}

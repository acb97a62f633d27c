//! Containers whose worker is gone.
//!
//! A worker that dies takes its containers' input with it, and init ends on that. What is left
//! is an entry at the daemon, and containers that were created and never started; the next engine
//! on the machine removes them.

use std::collections::HashMap;
use std::fs;
use std::io;

use super::api::{Api, Listed};
use crate::Error;
use crate::native::cgroup::Owner;

/// The label that names the process which made a container.
pub(super) const LABEL: &str = "dev.runlog.owner";

/// The label that says in which world that process number holds.
const WORLD: &str = "dev.runlog.world";

/// Who made a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labels {
    owner: String,
    world: String,
}

impl Labels {
    /// This process's own.
    pub(super) fn own() -> io::Result<Self> {
        let owner = Owner::find(std::process::id()).ok_or(io::ErrorKind::NotFound)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let namespace = fs::read_link("/proc/self/ns/pid")?;
        Ok(Self {
            owner: owner.folder(),
            world: format!("{} {}", boot.trim(), namespace.display()),
        })
    }

    pub(super) fn to_map(&self) -> HashMap<String, String> {
        HashMap::from([
            (LABEL.to_owned(), self.owner.clone()),
            (WORLD.to_owned(), self.world.clone()),
        ])
    }

    /// Whether nobody uses a container any more.
    fn is_orphan(&self, found: &Listed, lives: impl FnOnce(&Owner) -> bool) -> bool {
        if found.labels.get(WORLD) != Some(&self.world) {
            // Before a reboot, or beside us where we see no processes: what runs has somebody.
            return !found.is_running;
        }
        let owner = found
            .labels
            .get(LABEL)
            .and_then(|owner| Owner::parse(owner));
        !owner.is_some_and(|owner| lives(&owner))
    }
}

/// Removes what dead workers left.
pub(super) async fn remove(api: &Api, own: &Labels) -> Result<usize, Error> {
    let lives = Owner::may_live;
    let listed = api.list().await?;
    let orphans: Vec<_> = listed
        .into_iter()
        .filter(|found| own.is_orphan(found, lives))
        .collect();
    // Two at a time: the daemon takes locks, and the machine has others to serve.
    use futures_util::{StreamExt as _, TryStreamExt as _};
    let removing = orphans.iter().map(|orphan| api.remove(&orphan.id));
    let removing = futures_util::stream::iter(removing).buffer_unordered(2);
    removing.try_collect::<Vec<()>>().await?;
    Ok(orphans.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_an_orphan() {
        let own = Labels::own().unwrap();
        let found = |labels: &Labels, is_running| Listed {
            id: String::new(),
            labels: labels.to_map(),
            is_running,
        };
        let of_dead = Labels {
            owner: "runlog-7-123-1".to_owned(),
            ..own.clone()
        };
        let elsewhere = Labels {
            world: "another boot".to_owned(),
            ..own.clone()
        };
        let unlabelled = Listed {
            id: String::new(),
            labels: HashMap::from([(WORLD.to_owned(), own.world.clone())]),
            is_running: true,
        };
        let alive = |owner: &Owner| owner.pid != 7;
        assert!(!own.is_orphan(&found(&own, true), alive));
        assert!(own.is_orphan(&found(&of_dead, true), alive));
        assert!(!own.is_orphan(&found(&elsewhere, true), alive));
        assert!(own.is_orphan(&found(&elsewhere, false), alive));
        assert!(own.is_orphan(&unlabelled, alive));
    }
}

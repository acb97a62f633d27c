//! An engine under attack, with all that stands around it.

use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::Engine;

use super::canaries::Canaries;
use super::case::Case;
use super::machine::StallWatch;
use super::programs::Programs;
use super::warm::Host;

/// Everything but the engine, made first: the engine's configuration may need it.
pub(crate) struct Site {
    pub(crate) programs: Programs,
    pub(crate) canaries: Canaries,
    pub(crate) stalls: StallWatch,
}

impl Site {
    /// Compiles the programs of some entries and plants the canaries.
    pub(crate) fn prepare(cases: &[Case]) -> Self {
        Self::prepare_for(cases, None)
    }

    /// The same, for entries that are run in a runtime.
    pub(crate) fn prepare_for(cases: &[Case], host: Option<Host>) -> Self {
        let programs = Programs::compile(cases, host);
        let canaries = Canaries::plant(&programs.get("euid.c"));
        Self {
            programs,
            canaries,
            stalls: StallWatch::start(),
        }
    }
}

/// An engine under attack.
pub(crate) struct Ground {
    pub(crate) engine: Arc<dyn Engine>,
    /// The runtime that all entries are run in, if not by themselves.
    pub(crate) host: Option<Host>,
    pub(crate) site: Site,
    /// Where [`Canaries::tree`] is in the cells.
    pub(crate) tree_inside: &'static str,
    /// How long after its limit a run may end.
    pub(crate) grace: Duration,
    /// What of runs is still on the machine, where only this engine would leave it.
    pub(crate) leftovers: fn(&Self) -> Vec<String>,
}

impl Ground {
    /// What an entry calls it that is different here.
    pub(crate) fn name(&self) -> &'static str {
        self.host.map_or(self.engine.name(), Host::name)
    }
}

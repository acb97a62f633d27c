//! Deliberate weaknesses, each of which must turn an entry of the corpus red: the tests' test.
//!
//! Only with the feature `weaken`, which no release build can have: there is nothing here
//! otherwise but a function that says no.

#[cfg(all(feature = "weaken", not(debug_assertions)))]
compile_error!("the feature `weaken` makes the sandbox unsafe on purpose: it is for tests alone");

/// What is done badly on purpose.
#[cfg_attr(
    not(feature = "weaken"),
    expect(
        unreachable_pub,
        reason = "only the tests that have the feature choose one"
    )
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakening {
    /// The machine's network.
    Network,
    /// The machine's System V objects.
    Ipc,
    /// The machine's name.
    Uts,
    /// The names of control groups are told.
    CgroupNamespace,
    /// Namespaces may be made.
    NewNamespaces,
    /// No system call filter.
    Filter,
    /// The filter takes any architecture's numbers for its own.
    FilterArchitecture,
    /// Any family of sockets.
    SocketFamilies,
    /// Any request to a device or terminal.
    Ioctls,
    /// The bounding set stays full.
    BoundingSet,
    /// The program is the cell's root.
    Uid,
    /// All cells have the same users on the machine.
    OneUid,
    /// No limit on memory.
    Memory,
    /// A kill for want of memory is not believed.
    MemoryVerdict,
    /// No limit on processes.
    Processes,
    /// No limit on CPU time.
    CpuTime,
    /// The wall clock rings three seconds late.
    LateClock,
    /// The disk has no size.
    DiskSize,
    /// The disk has no limit on files.
    Inodes,
    /// Files may have any size.
    FileSize,
    /// What comes from the machine can be written, and nothing else keeps a program from it.
    Writable,
    /// Nothing in `/proc` is covered.
    ProcCovers,
    /// `/proc` can be written, and nothing else keeps a program from it.
    ProcWritable,
    /// `/proc` shows the processes of others.
    ProcOthers,
    /// The machine's users are in the cells' `/etc`.
    HostEtc,
    /// The list of mounts shows where they come from.
    Unveiled,
    /// A descriptor slips into the program.
    Descriptor,
    /// Who outlives the main process lives on.
    Orphans,
}

/// Whether something is to be done badly.
#[cfg(not(feature = "weaken"))]
pub(super) const fn is(_: Weakening) -> bool {
    false
}

#[cfg(feature = "weaken")]
pub(super) use chosen::{is, number, set};

#[cfg(feature = "weaken")]
mod chosen {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Weakening;

    /// One above the number of what this process does badly.
    static CHOSEN: AtomicU32 = AtomicU32::new(0);

    pub(in super::super) fn is(weakening: Weakening) -> bool {
        CHOSEN.load(Ordering::Relaxed) == number(Some(weakening))
    }

    /// A weakening as it travels to the spawner.
    pub(in super::super) fn number(weakening: Option<Weakening>) -> u32 {
        weakening.map_or(0, |weakening| weakening as u32 + 1)
    }

    /// Chooses for this process and for all that it forks.
    pub(in super::super) fn set(number: u32) {
        if number != 0 {
            // A test looks for these words in the programs that must not have the feature.
            tracing::error!("runlog is weakened on purpose");
        }
        CHOSEN.store(number, Ordering::Relaxed);
    }
}

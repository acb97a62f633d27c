//! The layers of isolation by name: what each keeps apart, and whether anything runs without it.

use std::fmt;
use std::str::FromStr;

/// A layer of isolation of the native engine, proven at every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Processes of others cannot be named.
    PidNamespace,
    /// Files of the machine cannot be named.
    MountNamespace,
    /// There is no network but an own loopback.
    NetworkNamespace,
    /// System V objects and queues are the cell's own.
    IpcNamespace,
    /// The machine's name is not told.
    UtsNamespace,
    /// Its root is nobody on the machine.
    UserNamespace,
    /// The names of control groups are not told.
    CgroupNamespace,
    /// A user of its own on the machine, and no other.
    Uid,
    /// No capability, and none to be had.
    Capabilities,
    /// Programs with special rights give none.
    NoNewPrivileges,
    /// System calls by list.
    Seccomp,
    /// System calls of other architectures end the program.
    SeccompArchitecture,
    /// A second lock on what can be written.
    Landlock,
    /// Everything but the cell's disk is read-only.
    ReadOnlyRoot,
    /// What can be written has a size.
    Disk,
    /// `/proc` shows the cell's own processes and nothing of the machine.
    Proc,
    /// Memory of all processes together.
    Memory,
    /// Processes and threads of the cell together.
    Processes,
    /// CPU time of all processes together.
    CpuTime,
    /// Each cell is one competitor for the processors.
    CpuShare,
    /// Everything dies when the time is over.
    Kill,
}

impl Layer {
    /// All layers, in the order in which they are told.
    pub const ALL: [Self; 21] = [
        Self::PidNamespace,
        Self::MountNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::UserNamespace,
        Self::CgroupNamespace,
        Self::Uid,
        Self::Capabilities,
        Self::NoNewPrivileges,
        Self::Seccomp,
        Self::SeccompArchitecture,
        Self::Landlock,
        Self::ReadOnlyRoot,
        Self::Disk,
        Self::Proc,
        Self::Memory,
        Self::Processes,
        Self::CpuTime,
        Self::CpuShare,
        Self::Kill,
    ];

    /// Its name, and what it keeps apart in plain words.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::PidNamespace => ("pid", "processes of others cannot be seen or signalled"),
            Self::MountNamespace => ("mount", "files of the machine cannot be named"),
            Self::NetworkNamespace => ("network", "no network but a loopback of its own"),
            Self::IpcNamespace => ("ipc", "shared memory and queues are the cell's own"),
            Self::UtsNamespace => ("uts", "the machine's name is not told"),
            Self::UserNamespace => ("user", "its root is nobody on the machine"),
            Self::CgroupNamespace => ("cgroup", "the names of control groups are not told"),
            Self::Uid => ("uid", "a user of its own on the machine"),
            Self::Capabilities => ("capabilities", "no right of root, and none to be had"),
            Self::NoNewPrivileges => ("no-new-privileges", "setuid programs give no rights"),
            Self::Seccomp => ("seccomp", "system calls by list"),
            Self::SeccompArchitecture => (
                "seccomp-architecture",
                "32-bit calls end the program, x32 does not exist",
            ),
            Self::Landlock => ("landlock", "a second lock on what can be written"),
            Self::ReadOnlyRoot => (
                "read-only-root",
                "everything but the cell's disk is read-only",
            ),
            Self::Disk => ("disk", "what can be written has a size"),
            Self::Proc => (
                "proc",
                "/proc shows its own processes, and nothing is written there",
            ),
            Self::Memory => ("memory", "memory of all its processes together"),
            Self::Processes => ("processes", "its processes and threads together"),
            Self::CpuTime => ("cpu-time", "CPU time of all its processes together"),
            Self::CpuShare => (
                "cpu-share",
                "each cell is one competitor for the processors",
            ),
            Self::Kill => ("kill", "everything dies when the time is over"),
        }
    }

    /// Its name, as it stands in options, messages and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What it keeps apart.
    #[must_use]
    pub const fn keeps(self) -> &'static str {
        self.words().1
    }

    /// Whether nothing runs without it. The others are defence in depth: something that is
    /// required holds as well where they do.
    #[must_use]
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::Landlock | Self::CpuShare)
    }

    /// The layer that failed when a cell could not even be made, by what was being done.
    pub(super) fn blamed(doing: &str) -> Option<Self> {
        let known = [
            ("pid namespace", Self::PidNamespace),
            ("mount namespace", Self::MountNamespace),
            ("network namespace", Self::NetworkNamespace),
            ("ipc namespace", Self::IpcNamespace),
            ("uts namespace", Self::UtsNamespace),
            ("user namespace", Self::UserNamespace),
            ("cgroup namespace", Self::CgroupNamespace),
            ("mapping the cell's ids", Self::UserNamespace),
            ("memory cgroup", Self::Memory),
            ("pids cgroup", Self::Processes),
            ("cpuacct cgroup", Self::CpuTime),
            ("system call filter", Self::Seccomp),
            ("new privileges", Self::NoNewPrivileges),
            ("bounding set", Self::Capabilities),
            ("/proc read-only", Self::Proc),
            ("read-only", Self::ReadOnlyRoot),
            ("cell's disk", Self::Disk),
            ("the cell's /proc", Self::Proc),
            ("can be written", Self::Landlock),
            ("program's user", Self::Uid),
        ];
        let found = known.iter().find(|(words, _)| doing.contains(words));
        found.map(|(_, layer)| *layer)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|layer| layer.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|layer| layer.name()).collect();
            format!("{text:?} is no layer; there are {}", names.join(", "))
        })
    }
}

/// What was found out about a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which layer.
    pub layer: Layer,
    /// Whether it holds.
    pub state: LayerState,
}

/// Whether a layer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// A probe that must fail inside did.
    Holds,
    /// It does not hold; this is what was found.
    Missing(String),
    /// Nothing could be tried, as no cell could be made.
    Unknown,
}

impl Finding {
    /// What was found, if the layer does not hold.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        match &self.state {
            LayerState::Missing(found) => Some(found),
            LayerState::Holds | LayerState::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for layer in Layer::ALL {
            assert_eq!(layer.name().parse(), Ok(layer));
        }
        let error = "selinux".parse::<Layer>().unwrap_err();
        assert!(
            error.contains("\"selinux\"") && error.contains("seccomp, seccomp-architecture"),
            "{error}"
        );
    }

    #[test]
    fn what_failed_is_blamed() {
        let blamed = Layer::blamed("making the cell's namespaces: the network namespace");
        assert_eq!(blamed, Some(Layer::NetworkNamespace));
        let blamed = Layer::blamed("looking for the memory cgroup controller in /sys/fs/cgroup");
        assert_eq!(blamed, Some(Layer::Memory));
        assert_eq!(Layer::blamed("starting the spawner"), None);
    }
}

//! The version of the hierarchy that ends the processes of a cell and counts their time.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::gauge::Gauge;

/// CPU time of all processes of a cell's steps since the cell was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl CpuTime {
    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// What ends every process of the cell's steps and counts their CPU time.
#[derive(Debug)]
pub(super) enum Unified {
    /// v2 is mounted: the cell has a folder there, with one for its steps in it.
    Present {
        cell: PathBuf,
        steps: PathBuf,
        cpu: Gauge,
    },
    /// It is not: this v1 folder counts CPU time.
    Absent {
        cpuacct: PathBuf,
        user: Gauge,
        system: Gauge,
    },
}

impl Unified {
    pub(super) fn in_folder(cell: PathBuf) -> Self {
        let steps = cell.join("steps");
        Self::Present {
            cpu: Gauge::new(steps.join("cpu.stat")),
            steps,
            cell,
        }
    }

    pub(super) fn without(cpuacct: PathBuf) -> Self {
        Self::Absent {
            user: Gauge::new(cpuacct.join("cpuacct.usage_user")),
            system: Gauge::new(cpuacct.join("cpuacct.usage_sys")),
            cpuacct,
        }
    }

    /// What all steps have used.
    pub(super) fn cpu(&self) -> io::Result<CpuTime> {
        match self {
            Unified::Present { cpu, .. } => {
                let [user, system] = cpu.fields(["user_usec", "system_usec"])?;
                Ok(CpuTime {
                    user: Duration::from_micros(user),
                    system: Duration::from_micros(system),
                })
            }
            Unified::Absent { user, system, .. } => Ok(CpuTime {
                user: user.number().map(Duration::from_nanos)?,
                system: system.number().map(Duration::from_nanos)?,
            }),
        }
    }
}

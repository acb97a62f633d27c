//! Why a step ended: decided here and nowhere else, from what the kernel says.

use std::sync::LazyLock;
use std::time::Duration;

use super::protocol::Over;
use super::weaken::{self, Weakening};
use crate::Cause;

/// Something that a supervisor noticed.
pub(crate) enum Event {
    /// Init says that all processes are dead.
    Over(Over),
    /// Init itself is dead.
    Gone,
    /// Somebody used the kill handle.
    KillAsked,
    /// The wall clock ran out.
    WallRang,
    /// The kernel says that the memory limit was reached, which may have killed a process.
    MemoryFull,
    /// The time of a check has come; this is what has been used so far.
    Checked { cpu: Duration, memory_kills: u64 },
}

/// What the supervisor does next.
pub(crate) enum Next {
    Wait,
    CheckIn(Duration),
    Kill,
    KillCell,
    End(Option<Over>),
}

/// No check follows another sooner, and the CPU limit holds about as exactly.
const SHORTEST: Duration = Duration::from_millis(2);

/// How long after a notice of full memory a kill is still expected.
const MEMORY_PATIENCE: Duration = Duration::from_secs(2);

/// The state of the decision.
#[derive(Debug)]
pub(crate) struct Verdict {
    cpu_limit: Duration,
    /// How many processors can spend CPU time at once.
    processors: u32,
    /// Why we kill it, once we do.
    ending: Option<Cause>,
    /// The pause before the next look whether a full memory has killed, while that is open.
    memory_pause: Option<Duration>,
}

impl Verdict {
    pub(crate) fn new(cpu_limit: Duration) -> Self {
        // Asking reads a dozen files of the control groups.
        static PROCESSORS: LazyLock<u32> =
            LazyLock::new(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u32));
        let processors = *PROCESSORS;
        Self {
            cpu_limit,
            processors,
            ending: None,
            memory_pause: None,
        }
    }

    /// How long the rest of the CPU time lasts at the least.
    pub(crate) fn next_check(&self, used: Duration) -> Duration {
        (self.cpu_limit.saturating_sub(used) / self.processors).max(SHORTEST)
    }

    /// The pause before the next check, which comes sooner while a memory kill is in the air.
    fn pause(&mut self, used: Duration) -> Duration {
        let regular = self.next_check(used);
        let doubled = self.memory_pause.map(|pause| pause * 2);
        self.memory_pause = doubled.filter(|pause| *pause < MEMORY_PATIENCE);
        self.memory_pause
            .map_or(regular, |pause| pause.min(regular))
    }

    pub(crate) fn on(&mut self, event: Event) -> Next {
        match event {
            Event::Over(over) => Next::End(Some(over)),
            Event::Gone => Next::End(None),
            Event::KillAsked => self.end(Cause::Killed),
            Event::WallRang => self.end(Cause::WallLimit),
            Event::MemoryFull if self.ending.is_some() => Next::Wait,
            // The kernel kills, if it must, and counts it after it gives this notice.
            Event::MemoryFull => {
                self.memory_pause = Some(SHORTEST);
                Next::CheckIn(SHORTEST)
            }
            Event::Checked { .. } if self.ending.is_some() => Next::KillCell,
            Event::Checked {
                memory_kills: 1.., ..
            } if !weaken::is(Weakening::MemoryVerdict) => self.end(Cause::MemoryLimit),
            Event::Checked { cpu, .. }
                if cpu >= self.cpu_limit && !weaken::is(Weakening::CpuTime) =>
            {
                self.end(Cause::CpuLimit)
            }
            Event::Checked { cpu, .. } => Next::CheckIn(self.pause(cpu)),
        }
    }

    fn end(&mut self, cause: Cause) -> Next {
        if self.ending.is_some() {
            return Next::Wait;
        }
        self.ending = Some(cause);
        Next::Kill
    }

    /// The cause, from how the main process ended (unknown if init died too) and whether the
    /// kernel killed for memory. `None` if nothing explains it: our fault.
    pub(crate) fn cause(&self, status: Option<i32>, memory_kills: u64) -> Option<Cause> {
        // A parent that outlives its killed child does not turn this into a success.
        if memory_kills > 0 && !weaken::is(Weakening::MemoryVerdict) {
            return Some(Cause::MemoryLimit);
        }
        let Some(status) = status else {
            return self.ending;
        };
        if libc::WIFEXITED(status) {
            return Some(Cause::Exited {
                code: libc::WEXITSTATUS(status),
            });
        }
        let signal = libc::WTERMSIG(status);
        match self.ending {
            Some(ending) if signal == libc::SIGKILL => Some(ending),
            _ => Some(Cause::Signaled { signal }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILLED: i32 = libc::SIGKILL;

    fn exited(code: i32) -> i32 {
        code << 8
    }

    fn verdict() -> Verdict {
        Verdict::new(Duration::from_secs(1))
    }

    #[test]
    fn a_program_that_ends_itself_is_believed() {
        assert_eq!(
            verdict().cause(Some(exited(7)), 0),
            Some(Cause::Exited { code: 7 })
        );
        assert_eq!(
            verdict().cause(Some(KILLED), 0),
            Some(Cause::Signaled { signal: 9 })
        );
        let with_core = libc::SIGABRT | 0x80;
        assert_eq!(
            verdict().cause(Some(with_core), 0),
            Some(Cause::Signaled { signal: 6 })
        );
    }

    #[test]
    fn our_kill_has_our_reason_and_the_first_one_counts() {
        let mut verdict = verdict();
        assert!(matches!(verdict.on(Event::WallRang), Next::Kill));
        assert!(matches!(verdict.on(Event::KillAsked), Next::Wait));
        assert_eq!(verdict.cause(Some(KILLED), 0), Some(Cause::WallLimit));
        // It had ended by itself before the kill came.
        assert_eq!(
            verdict.cause(Some(exited(0)), 0),
            Some(Cause::Exited { code: 0 })
        );
    }

    #[test]
    fn memory_is_what_the_kernel_says() {
        let mut verdict = verdict();
        assert_eq!(verdict.cause(Some(exited(0)), 1), Some(Cause::MemoryLimit));
        assert!(matches!(
            verdict.on(Event::MemoryFull),
            Next::CheckIn(SHORTEST)
        ));
        // Not counted yet: it is looked at again soon, and no longer after a while.
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let checked = Event::Checked {
                cpu: Duration::ZERO,
                memory_kills: 0,
            };
            if let Next::CheckIn(pause) = verdict.on(checked) {
                pauses.push(pause);
            }
        }
        assert_eq!(pauses[0], 2 * SHORTEST);
        assert_eq!(pauses[11], verdict.next_check(Duration::ZERO));
        let checked = Event::Checked {
            cpu: Duration::ZERO,
            memory_kills: 1,
        };
        assert!(matches!(verdict.on(checked), Next::Kill));
        assert_eq!(verdict.cause(None, 0), Some(Cause::MemoryLimit));
    }

    #[test]
    fn cpu_time_is_checked_no_sooner_than_it_can_be_used_up() {
        let mut verdict = verdict();
        let checked = |ms| Event::Checked {
            cpu: Duration::from_millis(ms),
            memory_kills: 0,
        };
        let Next::CheckIn(time) = verdict.on(checked(200)) else {
            panic!("must wait")
        };
        assert_eq!(time, Duration::from_millis(800) / verdict.processors);
        assert!(matches!(verdict.on(checked(1000)), Next::Kill));
        assert!(matches!(verdict.on(checked(1000)), Next::KillCell));
    }

    #[test]
    fn a_death_that_nothing_explains_is_our_fault() {
        assert_eq!(verdict().cause(None, 0), None);
    }
}

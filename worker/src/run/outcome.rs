//! What the end of a step means for the execution. Pure, and the only place that decides it.

use runlog_sandbox::Cause;
use runlog_schemas::{Clock, Outcome, Phase};

/// Why a step was killed by this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It wrote more than it may.
    OutputCap,
    /// Somebody asked for the end of the execution.
    Cancel,
    /// This worker shuts down.
    Shutdown,
}

/// What an attempt comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The execution ends like this.
    Finish(Outcome),
    /// We failed; the attempt is given up with that reason.
    GiveUp(String),
    /// Nothing failed; this worker was told to stop and gives the attempt back, for that reason.
    HandBack(String),
}

/// The reason that stands in the log when a worker's shutdown ends an attempt.
pub(crate) const SHUT_DOWN: &str = "the worker was shut down";

/// Judges the end of a step. `None` means that the compiler did its work and the program can run.
pub(crate) fn judge(phase: Phase, stop: Option<Stop>, cause: Cause) -> Option<Verdict> {
    // What was written beyond the cap is gone, so the program did not get what it wanted, however
    // it ended in the moment before the kill.
    if stop == Some(Stop::OutputCap) {
        return Some(Verdict::Finish(Outcome::OutputLimit { phase }));
    }
    let outcome = match (cause, phase) {
        (Cause::Killed, _) => {
            return Some(match stop {
                Some(Stop::Cancel) => Verdict::Finish(Outcome::Cancelled),
                Some(Stop::Shutdown) => Verdict::HandBack(SHUT_DOWN.to_owned()),
                Some(Stop::OutputCap) | None => {
                    Verdict::GiveUp("the step was killed without a reason".to_owned())
                }
            });
        }
        (Cause::Exited { code: 0 }, Phase::Compile) => {
            return match stop {
                Some(Stop::Cancel) => Some(Verdict::Finish(Outcome::Cancelled)),
                Some(Stop::Shutdown) => Some(Verdict::HandBack(SHUT_DOWN.to_owned())),
                Some(Stop::OutputCap) | None => None,
            };
        }
        (Cause::Exited { code }, Phase::Compile) => Outcome::CompileError { code },
        (Cause::Signaled { signal }, Phase::Compile) => {
            Outcome::CompileError { code: 128 + signal }
        }
        (Cause::Exited { code }, Phase::Run) => Outcome::Exited { code },
        (Cause::Signaled { signal }, Phase::Run) => Outcome::Signaled { signal },
        (Cause::WallLimit, phase) => Outcome::TimeLimit {
            clock: Clock::Wall,
            phase,
        },
        (Cause::CpuLimit, phase) => Outcome::TimeLimit {
            clock: Clock::Cpu,
            phase,
        },
        (Cause::MemoryLimit, phase) => Outcome::MemoryLimit { phase },
    };
    Some(Verdict::Finish(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Phase = Phase::Run;
    const COMPILE: Phase = Phase::Compile;

    fn finished(phase: Phase, cause: Cause) -> Outcome {
        match judge(phase, None, cause) {
            Some(Verdict::Finish(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_program_ends_in_an_outcome_of_its_own() {
        let exited = Cause::Exited { code: 3 };
        assert_eq!(finished(RUN, exited), Outcome::Exited { code: 3 });
        assert_eq!(finished(COMPILE, exited), Outcome::CompileError { code: 3 });
        let signaled = Cause::Signaled { signal: 11 };
        assert_eq!(finished(RUN, signaled), Outcome::Signaled { signal: 11 });
        assert_eq!(
            finished(COMPILE, signaled),
            Outcome::CompileError { code: 139 }
        );
        for phase in [RUN, COMPILE] {
            let wall = Outcome::TimeLimit {
                clock: Clock::Wall,
                phase,
            };
            assert_eq!(finished(phase, Cause::WallLimit), wall);
            let cpu = Outcome::TimeLimit {
                clock: Clock::Cpu,
                phase,
            };
            assert_eq!(finished(phase, Cause::CpuLimit), cpu);
            assert_eq!(
                finished(phase, Cause::MemoryLimit),
                Outcome::MemoryLimit { phase }
            );
        }
        assert_eq!(judge(COMPILE, None, Cause::Exited { code: 0 }), None);
    }

    #[test]
    fn a_kill_of_ours_has_our_reason() {
        let cut = Some(Stop::OutputCap);
        let limit = Verdict::Finish(Outcome::OutputLimit { phase: RUN });
        assert_eq!(judge(RUN, cut, Cause::Killed), Some(limit.clone()));
        assert_eq!(judge(RUN, cut, Cause::Exited { code: 0 }), Some(limit));
        let cancelled = Some(Verdict::Finish(Outcome::Cancelled));
        assert_eq!(judge(RUN, Some(Stop::Cancel), Cause::Killed), cancelled);
        let shut_down = Some(Verdict::HandBack(SHUT_DOWN.to_owned()));
        assert_eq!(judge(RUN, Some(Stop::Shutdown), Cause::Killed), shut_down);
        // It was faster than the kill: what it did counts.
        assert_eq!(
            judge(RUN, Some(Stop::Shutdown), Cause::Exited { code: 0 }),
            Some(Verdict::Finish(Outcome::Exited { code: 0 }))
        );
        // The compiler was faster; its program is not started any more.
        let compiled = Cause::Exited { code: 0 };
        assert_eq!(judge(COMPILE, Some(Stop::Cancel), compiled), cancelled);
        assert_eq!(judge(COMPILE, Some(Stop::Shutdown), compiled), shut_down);
    }
}

//! The programs of a mixed load, and how each of them must end.

use runlog_schemas::api::{ExecutionView, SubmitRequest};
use runlog_schemas::{Clock, Outcome, Phase};

/// A program.
pub(super) struct Kind {
    pub(super) name: &'static str,
    language: &'static str,
    /// `{n}` stands for the number of the run.
    source: &'static str,
    /// Limits in place of the usual ones.
    limits: &'static str,
    ends: Ends,
    /// All of its standard output; `{n}` as above.
    stdout: Option<&'static str>,
    /// How many of a hundred runs are of this kind.
    pub(super) share: u32,
}

/// How a program must end.
#[derive(Clone, Copy)]
enum Ends {
    Exit(i32),
    Signal(i32),
    Time(Clock),
    Memory,
    Output,
    CompileError,
}

const SLEEPER: &str = "import time\nprint('{n}', flush=True)\ntime.sleep(60)\n";
const HOG: &str = "print('{n}', flush=True)\nx = bytearray(200 << 20)\nprint('never')\n";
const BUSY: &str = "print('{n}', flush=True)\nwhile True: pass\n";
const FORKER: &str = "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        \
    time.sleep(60)\nprint('{n}')\n";
const FLOOD: &str = "import sys\nwhile True: sys.stdout.write('{n}' * 1000)\n";
const DEEP: &str = "int deep(int n) { volatile char x[4096]; x[0] = n; return deep(n + 1) + x[0]; }\n\
    int main(void) { return deep({n}); }\n";
const JAVA: &str = "public class Main { public static void main(String[] a) { \
    System.out.println({n} + 1 - 1); System.exit(3); } }\n";

const fn python(name: &'static str, source: &'static str, ends: Ends, share: u32) -> Kind {
    Kind {
        name,
        language: "python",
        source,
        limits: "{}",
        ends,
        stdout: Some("{n}\n"),
        share,
    }
}

/// Of how many numbers a run has one: what is compiled is compiled again and again, but not always.
const NUMBERS: u64 = 1_000;

/// What is run.
pub(super) const KINDS: &[Kind] = &[
    python("hello", "print('{n}')\n", Ends::Exit(0), 40),
    python(
        "exit code",
        "print('{n}')\nraise SystemExit(7)\n",
        Ends::Exit(7),
        8,
    ),
    python(
        "uncaught exception",
        "print('{n}')\n1 / 0\n",
        Ends::Exit(1),
        6,
    ),
    python(
        "abort",
        "import os\nprint('{n}', flush=True)\nos.abort()\n",
        Ends::Signal(6),
        4,
    ),
    python("leaves processes", FORKER, Ends::Exit(0), 4),
    Kind {
        limits: r#"{"wall_ms": 300}"#,
        // On a busy machine that may be over before it has written anything.
        stdout: None,
        ..python("sleeps too long", SLEEPER, Ends::Time(Clock::Wall), 3)
    },
    Kind {
        // On a busy machine it takes long to get that much.
        limits: r#"{"cpu_ms": 200, "wall_ms": 60000}"#,
        ..python("computes too long", BUSY, Ends::Time(Clock::Cpu), 2)
    },
    Kind {
        limits: r#"{"memory_mb": 64}"#,
        ..python("takes too much memory", HOG, Ends::Memory, 3)
    },
    Kind {
        limits: r#"{"output_kb": 64}"#,
        stdout: None,
        ..python("writes too much", FLOOD, Ends::Output, 2)
    },
    Kind {
        language: "javascript",
        ..python("node", "console.log('{n}');\n", Ends::Exit(0), 9)
    },
    Kind {
        language: "bash",
        ..python("shell", "echo '{n}'; kill -TERM $$\n", Ends::Signal(15), 9)
    },
    Kind {
        language: "c",
        stdout: Some(""),
        ..python("c overflows its stack", DEEP, Ends::Signal(11), 3)
    },
    Kind {
        language: "c",
        ..python(
            "c",
            "#include <stdio.h>\nint main(void) { puts(\"{n}\"); }\n",
            Ends::Exit(0),
            3,
        )
    },
    Kind {
        language: "c",
        stdout: Some(""),
        ..python(
            "c that is wrong",
            "int main(void) { return {n} }\n",
            Ends::CompileError,
            2,
        )
    },
    Kind {
        language: "java",
        ..python("java", JAVA, Ends::Exit(3), 2)
    },
];

/// The kind of a run, spread so that all kinds come in turn.
pub(super) fn kind(number: u64) -> &'static Kind {
    // 37 and 100 have no common factor, so a hundred runs meet each place once.
    let mut place = u32::try_from(number * 37 % 100).unwrap_or(0);
    for kind in KINDS {
        match place.checked_sub(kind.share) {
            Some(rest) => place = rest,
            None => return kind,
        }
    }
    &KINDS[0]
}

impl Kind {
    pub(super) fn request(&self, number: u64) -> anyhow::Result<SubmitRequest> {
        Ok(SubmitRequest {
            language: self.language.to_owned(),
            source: Some(self.filled(self.source, number)),
            limits: serde_json::from_str(self.limits)?,
            ..SubmitRequest::default()
        })
    }

    /// What was wrong with an end, in words.
    pub(super) fn judge(&self, number: u64, end: &ExecutionView, stdout: &[u8]) -> Option<String> {
        let phase = Phase::Run;
        let wanted = match self.ends {
            Ends::Exit(code) => Outcome::Exited { code },
            Ends::Signal(signal) => Outcome::Signaled { signal },
            Ends::Time(clock) => Outcome::TimeLimit { clock, phase },
            Ends::Memory => Outcome::MemoryLimit { phase },
            Ends::Output => Outcome::OutputLimit { phase },
            Ends::CompileError => Outcome::CompileError { code: 1 },
        };
        if end.outcome.as_ref() != Some(&wanted) {
            return Some(format!("ended as {:?} instead of {wanted:?}", end.outcome));
        }
        if end.attempts.len() != 1 {
            return Some(format!("took {} attempts", end.attempts.len()));
        }
        let expected = self.filled(self.stdout?, number);
        let wrote = String::from_utf8_lossy(stdout);
        (wrote != expected).then(|| format!("wrote {wrote:?} instead of {expected:?}"))
    }

    fn filled(&self, text: &str, number: u64) -> String {
        text.replace("{n}", &(number % NUMBERS).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_runs_are_of_all_kinds_in_their_shares() {
        let total: u32 = KINDS.iter().map(|it| it.share).sum();
        assert_eq!(total, 100);
        for wanted in KINDS {
            let count = (0..100).filter(|&number| kind(number).name == wanted.name);
            assert_eq!(count.count(), wanted.share as usize, "{}", wanted.name);
        }
    }
}

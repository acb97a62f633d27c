//! Programs of every kind of end, each with what must come out.

use runlog_schemas::api::{LimitsRequest, SubmitRequest};
use runlog_schemas::{Clock, Outcome, Phase};

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Prints a line and ends.
    Hello,
    /// Fails with a code, and a word on standard error.
    Fails,
    /// Prints for a second and a half.
    Slow,
    /// Prints more than one message holds.
    Loud,
    /// Runs until its time is over.
    Endless,
    /// Runs until somebody cancels it.
    Cancelled,
}

impl Kind {
    /// The kind of the submission with that number: every tenth is cancelled, and so on.
    pub(crate) const fn of(number: u64) -> Self {
        match number % 10 {
            0 | 4 | 7 => Self::Hello,
            1 | 8 => Self::Fails,
            2 | 5 => Self::Slow,
            3 => Self::Loud,
            6 => Self::Endless,
            _ => Self::Cancelled,
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Hello => "echo \"hello $1\"\n",
            Self::Fails => "echo \"before $1\"; echo wrong >&2; exit 3\n",
            Self::Slow => "for i in 1 2 3 4 5 6 7 8; do echo \"$1 $i\"; sleep 0.2; done\n",
            Self::Loud => "for ((i = 0; i < 3000; i++)); do echo \"$1 $i\"; done\n",
            Self::Endless => "echo \"on and on $1\"; while :; do sleep 0.05; done\n",
            Self::Cancelled => "echo \"waiting $1\"; sleep 50\n",
        }
    }

    /// The submission with that number.
    pub(crate) fn request(self, number: u64, session: &str) -> SubmitRequest {
        SubmitRequest {
            language: "bash".to_owned(),
            source: Some(self.source().to_owned()),
            args: vec![number.to_string()],
            session: Some(session.to_owned()),
            limits: LimitsRequest {
                wall_ms: Some(if self == Self::Endless { 700 } else { 60_000 }),
                ..LimitsRequest::default()
            },
            ..SubmitRequest::default()
        }
    }

    /// How it must end.
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Hello | Self::Slow | Self::Loud => Outcome::Exited { code: 0 },
            Self::Fails => Outcome::Exited { code: 3 },
            Self::Endless => Outcome::TimeLimit {
                clock: Clock::Wall,
                phase: Phase::Run,
            },
            Self::Cancelled => Outcome::Cancelled,
        }
    }

    /// What it must print; of one that is cancelled, at most.
    pub(crate) fn stdout(self, number: u64) -> String {
        match self {
            Self::Hello => format!("hello {number}\n"),
            Self::Fails => format!("before {number}\n"),
            Self::Slow => (1..=8).map(|it| format!("{number} {it}\n")).collect(),
            Self::Loud => (0..3_000).map(|it| format!("{number} {it}\n")).collect(),
            Self::Endless => format!("on and on {number}\n"),
            Self::Cancelled => format!("waiting {number}\n"),
        }
    }
}

//! Why a command did not do what it was asked, and the exit code that says so.

use std::io;

use runlog_client::Error;

/// The program that ran, or the answer that was asked for, was not what it should be.
pub(crate) const NO: u8 = 1;
/// The command was given something that it cannot use.
pub(crate) const USAGE: u8 = 2;
/// It is our fault, or nobody was there to do it.
pub(crate) const OURS: u8 = 125;
/// As if interrupted by SIGINT: 128 plus its number.
pub(crate) const INTERRUPTED: u8 = 130;
/// Whoever read our output went away: 128 plus the number of SIGPIPE.
pub(crate) const PIPE: u8 = 141;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the user gave cannot be used.
    #[error("{0}")]
    Usage(String),
    /// Something of the user's could not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which file.
        path: String,
        #[source]
        source: io::Error,
    },
    /// The edge refused, failed or was not there.
    #[error(transparent)]
    Edge(#[from] Error),
    /// The user left before the end.
    #[error("{0}")]
    Left(String),
    /// A service could not start or go on.
    #[error("{0}")]
    Service(String),
    /// What a command looks at cannot be reached.
    #[error("{0}")]
    Unavailable(String),
    /// Our output can no longer be written because its reader went away.
    #[error("the reader of our output went away")]
    Pipe,
    /// Our output cannot be written.
    #[error("cannot write our output")]
    Output(#[source] io::Error),
}

impl Failure {
    /// The exit code; the list stands in `runlog --help`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Unreadable { .. } => USAGE,
            Self::Left(_) => INTERRUPTED,
            Self::Service(_) => NO,
            Self::Pipe => PIPE,
            Self::Unavailable(_) | Self::Output(_) => OURS,
            Self::Edge(error) => match error.problem().map(|it| it.status) {
                Some(404 | 409) => NO,
                Some(429) | None if !matches!(error, Error::BaseUrl { .. }) => OURS,
                Some(500..) => OURS,
                Some(_) | None => USAGE,
            },
        }
    }

    /// What to tell the user, in full.
    pub(crate) fn words(&self) -> String {
        let mut words = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let cause_words = cause.to_string();
            // Many errors repeat their source in their own words.
            if !words.contains(&cause_words) {
                words = format!("{words}: {cause_words}");
            }
            source = cause.source();
        }
        if let Self::Edge(Error::Unreachable { .. }) = self {
            words.push_str(
                "\n  Is it running? `runlog up` starts one; --url or RUNLOG_URL names another.",
            );
        }
        if let Some(problem) = self.problem() {
            let whose = if problem.status >= 500 {
                "our fault, not your program's: "
            } else {
                ""
            };
            let (code, request) = (&problem.code, &problem.request_id);
            words = format!("{whose}{words}\n  ({code}, request {request})");
        }
        words
    }

    /// The edge's problem document, where there is one.
    pub(crate) fn problem(&self) -> Option<&runlog_schemas::api::Problem> {
        match self {
            Self::Edge(error) => error.problem(),
            Self::Usage(_)
            | Self::Unreadable { .. }
            | Self::Left(_)
            | Self::Service(_)
            | Self::Unavailable(_)
            | Self::Pipe
            | Self::Output(_) => None,
        }
    }

    /// A stable name, for `--json`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Usage(_) => "usage",
            Self::Unreadable { .. } => "unreadable",
            Self::Left(_) => "left",
            Self::Service(_) => "service",
            Self::Unavailable(_) => "unavailable",
            Self::Pipe => "broken_pipe",
            Self::Output(_) => "output",
            Self::Edge(error) => match error {
                Error::BaseUrl { .. } => "usage",
                Error::Unreachable { .. } => "unreachable",
                Error::Problem(refused) => &refused.problem.code,
                Error::Protocol { .. } => "protocol",
            },
        }
    }
}

impl From<io::Error> for Failure {
    /// Of writing our own output; reading is [`Failure::Unreadable`].
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Pipe,
            _ => Self::Output(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use runlog_client::Refused;
    use runlog_schemas::api::Problem;

    use super::*;

    fn problem(status: u16) -> Failure {
        Failure::Edge(Error::Problem(Box::new(Refused {
            problem: Problem {
                kind: "about:blank".to_owned(),
                title: "x".to_owned(),
                status,
                code: "log_unavailable".to_owned(),
                detail: "the log is away".to_owned(),
                request_id: "r-1".to_owned(),
                fields: Vec::new(),
                outcome: None,
            },
            retry_after: None,
        })))
    }

    #[test]
    fn the_exit_code_says_whose_fault_it_is() {
        for (status, code) in [
            (400, USAGE),
            (404, NO),
            (409, NO),
            (413, USAGE),
            (429, OURS),
            (500, OURS),
            (503, OURS),
        ] {
            assert_eq!(problem(status).exit_code(), code, "{status}");
        }
        let nobody = Error::Unreachable {
            url: "http://x".to_owned(),
            source: "refused".into(),
        };
        assert_eq!(Failure::Edge(nobody).exit_code(), OURS);
        let no_url = "x".parse::<runlog_client::BaseUrl>().unwrap_err();
        assert_eq!(Failure::Edge(no_url).exit_code(), USAGE);
    }

    #[test]
    fn our_faults_are_labelled_and_carry_the_request() {
        assert_eq!(
            problem(503).words(),
            "our fault, not your program's: the log is away\n  (log_unavailable, request r-1)"
        );
        assert_eq!(
            problem(404).words(),
            "the log is away\n  (log_unavailable, request r-1)"
        );
    }

    #[test]
    fn a_closed_pipe_is_no_error_of_ours() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit_code(), PIPE);
    }
}

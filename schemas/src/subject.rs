//! Where things stand in the log: streams, subjects, consumers.

use std::str::FromStr as _;

use crate::{ExecutionId, Priority, SnippetId};

/// The stream of everything that happens to executions.
pub const EXECUTIONS: &str = "EXECUTIONS";
/// The stream of recordings.
pub const OUTPUT: &str = "OUTPUT";
/// The stream of submissions that were given up.
pub const DEAD_LETTERS: &str = "DEAD_LETTERS";
/// The stream of programs that were shared.
pub const SNIPPETS: &str = "SNIPPETS";

/// Subjects of [`EXECUTIONS`].
pub const EXECUTIONS_SUBJECTS: [&str; 2] = ["submit.*.*.*", "status.*"];
/// Subjects of [`OUTPUT`].
pub const OUTPUT_SUBJECTS: [&str; 1] = ["output.*"];
/// Subjects of [`DEAD_LETTERS`].
pub const DEAD_LETTERS_SUBJECTS: [&str; 1] = ["dead.*.*"];
/// Subjects of [`SNIPPETS`].
pub const SNIPPETS_SUBJECTS: [&str; 1] = ["snippet.*"];

/// Before a subject: where the server repeats a message once it is in the log.
pub const LIVE_PREFIX: &str = "live.";

/// The submission itself.
#[must_use]
pub fn submit(language: &str, priority: Priority, id: ExecutionId) -> String {
    format!("submit.{language}.{priority}.{id}")
}

/// Whatever submission the execution has; for reading.
#[must_use]
pub fn any_submit(id: ExecutionId) -> String {
    format!("submit.*.*.{id}")
}

/// All submissions of one queue.
#[must_use]
pub fn queue(language: &str, priority: Priority) -> String {
    format!("submit.{language}.{priority}.*")
}

/// What happened to an execution after it was accepted.
#[must_use]
pub fn status(id: ExecutionId) -> String {
    format!("status.{id}")
}

/// What an execution wrote.
#[must_use]
pub fn output(id: ExecutionId) -> String {
    format!("output.{id}")
}

/// Where an execution's submission goes when it is given up.
#[must_use]
pub fn dead(language: &str, id: ExecutionId) -> String {
    format!("dead.{language}.{id}")
}

/// A program that was shared.
#[must_use]
pub fn snippet(id: SnippetId) -> String {
    format!("snippet.{id}")
}

/// The snippet that stands under a subject; `None` where none does.
#[must_use]
pub fn snippet_id(subject: &str) -> Option<SnippetId> {
    subject.strip_prefix("snippet.")?.parse().ok()
}

/// Where the worker that runs an execution listens.
#[must_use]
pub fn control(id: ExecutionId) -> String {
    format!("control.{id}")
}

/// Where workers are told that a queue has something again.
#[must_use]
pub fn wake(language: &str, priority: &str) -> String {
    format!("wake.{language}.{priority}")
}

/// The name of the durable consumer of one queue.
#[must_use]
pub fn consumer(language: &str, priority: Priority) -> String {
    format!("{language}-{priority}")
}

/// A subject of the log, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `submit.{language}.{priority}.{id}`
    Submit {
        /// The language's id.
        language: String,
        /// The queue.
        priority: Priority,
        /// The execution.
        id: ExecutionId,
    },
    /// `status.{id}`
    Status(ExecutionId),
    /// `output.{id}`
    Output(ExecutionId),
}

impl Subject {
    /// Reads a subject, with or without [`LIVE_PREFIX`]; `None` if it is none of ours.
    #[must_use]
    pub fn parse(subject: &str) -> Option<Self> {
        let subject = subject.strip_prefix(LIVE_PREFIX).unwrap_or(subject);
        let mut tokens = subject.split('.');
        let parsed = match tokens.next()? {
            "submit" => Self::Submit {
                language: tokens.next()?.to_owned(),
                priority: Priority::from_str(tokens.next()?).ok()?,
                id: tokens.next()?.parse().ok()?,
            },
            "status" => Self::Status(tokens.next()?.parse().ok()?),
            "output" => Self::Output(tokens.next()?.parse().ok()?),
            _ => return None,
        };
        tokens.next().is_none().then_some(parsed)
    }

    /// The execution that it is about.
    #[must_use]
    pub const fn id(&self) -> ExecutionId {
        match self {
            Self::Submit { id, .. } | Self::Status(id) | Self::Output(id) => *id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let id: ExecutionId = "01941f29-7c00-7000-8000-000000000001".parse().unwrap();
        for priority in Priority::ALL {
            let subject = submit("python", priority, id);
            let expected = Subject::Submit {
                language: "python".to_owned(),
                priority,
                id,
            };
            assert_eq!(Subject::parse(&subject), Some(expected.clone()));
            assert_eq!(
                Subject::parse(&format!("{LIVE_PREFIX}{subject}")),
                Some(expected)
            );
        }
        assert_eq!(Subject::parse(&status(id)), Some(Subject::Status(id)));
        assert_eq!(Subject::parse(&output(id)), Some(Subject::Output(id)));
        for bad in [
            "",
            "status",
            "status.x",
            "status.01941f29-7c00-7000-8000-000000000001.x",
            "live",
        ] {
            assert_eq!(Subject::parse(bad), None, "{bad}");
        }
    }
}

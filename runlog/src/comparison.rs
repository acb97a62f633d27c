//! How two executions of the same program differ. Pure.

use runlog_schemas::api::{ExecutionView, OutputView};
use runlog_schemas::{Data, ExecutionId, Outcome};
use serde::Serialize;

/// What differs between an execution and the one that ran it again.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// The execution that was run again.
    pub(crate) id: ExecutionId,
    /// The one that did.
    pub(crate) rerun: ExecutionId,
    /// Whether both ended alike and wrote the same.
    pub(crate) same: bool,
    /// How they ended.
    pub(crate) outcome: Pair<Option<Outcome>>,
    /// What the compiler wrote.
    pub(crate) compiler: StreamComparison,
    /// Standard output.
    pub(crate) stdout: StreamComparison,
    /// Standard error.
    pub(crate) stderr: StreamComparison,
    /// Time on the wall, in microseconds, where an attempt ran to its end.
    pub(crate) wall_us: Pair<Option<u64>>,
}

/// Something of both.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Pair<T> {
    /// Of the execution that was run again.
    pub(crate) before: T,
    /// Of the one that did.
    pub(crate) after: T,
}

/// One stream of both.
#[derive(Debug, Serialize)]
pub(crate) struct StreamComparison {
    /// Whether both wrote the same bytes.
    pub(crate) same: bool,
    /// How many bytes.
    pub(crate) bytes: Pair<u64>,
    /// Where they begin to differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_difference: Option<Difference>,
}

/// The first line that is not the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// Its number, from 1.
    pub(crate) line: u64,
    /// The line itself, shortened; `None` where that output has ended.
    pub(crate) text: Pair<Option<String>>,
}

/// The longest piece of a line that is shown, in characters.
const SHOWN: usize = 200;

impl Comparison {
    /// Compares two that have ended.
    pub(crate) fn of(
        before: (&ExecutionView, &OutputView),
        after: (&ExecutionView, &OutputView),
    ) -> Self {
        let stream = |of: fn(&OutputView) -> &Data| compare(&of(before.1).0, &of(after.1).0);
        let compiler = stream(|it| &it.compiler);
        let stdout = stream(|it| &it.stdout);
        let stderr = stream(|it| &it.stderr);
        let outcome = Pair {
            before: before.0.outcome.clone(),
            after: after.0.outcome.clone(),
        };
        let wall_us = |view: &ExecutionView| view.measurements.as_ref().map(|it| it.wall_us);
        Self {
            id: before.0.id,
            rerun: after.0.id,
            same: outcome.before == outcome.after
                && [&compiler, &stdout, &stderr].iter().all(|it| it.same),
            outcome,
            compiler,
            stdout,
            stderr,
            wall_us: Pair {
                before: wall_us(before.0),
                after: wall_us(after.0),
            },
        }
    }

    /// What differs, in words; empty where nothing does.
    pub(crate) fn differences(&self) -> Vec<&'static str> {
        let all = [
            ("outcome", self.outcome.before == self.outcome.after),
            ("compiler", self.compiler.same),
            ("stdout", self.stdout.same),
            ("stderr", self.stderr.same),
        ];
        all.into_iter()
            .filter(|(_, same)| !same)
            .map(|(name, _)| name)
            .collect()
    }
}

fn compare(before: &[u8], after: &[u8]) -> StreamComparison {
    StreamComparison {
        same: before == after,
        bytes: Pair {
            before: before.len() as u64,
            after: after.len() as u64,
        },
        first_difference: first_difference(before, after),
    }
}

fn first_difference(before: &[u8], after: &[u8]) -> Option<Difference> {
    let mut lines = (lines(before), lines(after));
    for line in 1.. {
        match (lines.0.next(), lines.1.next()) {
            (None, None) => return None,
            (before, after) if before == after => {}
            (before, after) => {
                return Some(Difference {
                    line,
                    text: Pair {
                        before: before.map(show),
                        after: after.map(show),
                    },
                });
            }
        }
    }
    None
}

/// Lines with their ends, so that an end that is missing is a difference too.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn show(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(before: &str, after: &str) -> Option<(u64, Option<String>, Option<String>)> {
        let found = first_difference(before.as_bytes(), after.as_bytes())?;
        Some((found.line, found.text.before, found.text.after))
    }

    #[test]
    fn the_first_line_that_differs_is_found() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(difference("", ""), None);
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            difference("a\nb\n", "a\nc\n"),
            Some((2, text("b\n"), text("c\n")))
        );
        assert_eq!(difference("a\n", "a"), Some((1, text("a\n"), text("a"))));
        assert_eq!(difference("a\n", "a\nb"), Some((2, None, text("b"))));
        let compared = compare(b"\xff", b"\xfe\n");
        assert!(!compared.same);
        assert_eq!(
            compared.bytes,
            Pair {
                before: 1,
                after: 2
            }
        );
    }
}

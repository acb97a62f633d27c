//! What must hold for the events of one execution. Pure.

use runlog_schemas::{Change, Execution, ExecutionEvent, MAX_ATTEMPTS, OutputSummary, State, fold};

use crate::finding::{Rule, Violation};

/// Follows the events of one execution and compares each with what was before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    execution: Execution,
}

impl Lifecycle {
    /// Goes on behind events that were looked at before.
    #[must_use]
    pub const fn resumed(execution: Execution) -> Self {
        Self { execution }
    }

    /// What the events add up to.
    #[must_use]
    pub const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// Gives up what the events add up to.
    #[must_use]
    pub fn into_execution(self) -> Execution {
        self.execution
    }

    /// Takes the next event; says what is wrong with it.
    pub fn push(&mut self, event: &ExecutionEvent) -> Option<Violation> {
        let before = self.execution.clone();
        self.execution = fold(std::mem::take(&mut self.execution), event);
        misplaced(&before, &self.execution, event)
            .or_else(|| unfounded(&self.execution, event))
            .or_else(|| end_of(event).and_then(mistold))
    }
}

/// An event that does not fit where it stands.
fn misplaced(before: &Execution, after: &Execution, event: &ExecutionEvent) -> Option<Violation> {
    let name = event.change.name();
    if let State::Ended(end) = &before.state {
        let words = format!("{name} behind the terminal event, {}", end.outcome.name());
        return Some(Violation::of(Rule::AfterTheEnd, words));
    }
    if before != after {
        return None;
    }
    Some(match (&before.state, &event.change) {
        (State::Absent, _) => Violation::of(
            Rule::NoSubmission,
            format!("{name} of an execution that was never submitted"),
        ),
        (_, Change::Submitted { .. }) => {
            Violation::of(Rule::SubmittedTwice, "submitted a second time")
        }
        (state, _) => {
            let words = format!("{name} does not fit what was before it: {}", words(state));
            Violation::of(Rule::NoEffect, words)
        }
    })
}

/// An attempt too many.
fn unfounded(after: &Execution, event: &ExecutionEvent) -> Option<Violation> {
    let Change::Started { attempt, .. } = event.change else {
        return None;
    };
    (after.attempts_used() > MAX_ATTEMPTS).then(|| {
        let words = format!("attempt {attempt} began, but {MAX_ATTEMPTS} is the limit");
        Violation::of(Rule::TooManyAttempts, words)
    })
}

/// A summary that contradicts itself.
fn mistold(output: &OutputSummary) -> Option<Violation> {
    let (chunks, last) = (output.chunks, output.last_sequence);
    ((chunks == 0) != last.is_none()).then(|| {
        let last = last.map_or_else(|| "no message".to_owned(), |it| format!("message {it}"));
        let words = format!("the terminal event names {chunks} chunks and {last} as the last one");
        Violation::of(Rule::Output, words)
    })
}

fn end_of(event: &ExecutionEvent) -> Option<&OutputSummary> {
    match &event.change {
        Change::Finished { output, .. } | Change::Dead { output, .. } => Some(output),
        _ => None,
    }
}

fn words(state: &State) -> String {
    match state {
        State::Absent => "nothing".to_owned(),
        State::Queued { next_attempt, .. } => format!("waiting for attempt {next_attempt}"),
        State::Running { attempt, .. } => format!("attempt {attempt} runs"),
        State::Ended(end) => format!("ended, {}", end.outcome.name()),
    }
}

//! Histories as they may stand in a log, made at random.

use proptest::prelude::*;
use runlog_schemas::{
    Change, Chunk, ChunkKind, Clock, Command, Data, Execution, ExecutionEvent, Limits,
    Measurements, Outcome, OutputBatch, OutputDigest, OutputSummary, Phase, Priority, SourceFile,
    Submission, decide, fold,
};

/// A small submission.
pub(crate) fn submission() -> Submission {
    Submission {
        language: "python".to_owned(),
        priority: Priority::Api,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from("print(1)\n"),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::default(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 60_000,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

/// Any outcome that an attempt can have.
pub(crate) fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        (0..256).prop_map(|code| Outcome::Exited { code }),
        (1..65).prop_map(|signal| Outcome::Signaled { signal }),
        (1..256).prop_map(|code| Outcome::CompileError { code }),
        Just(Outcome::TimeLimit {
            clock: Clock::Wall,
            phase: Phase::Run
        }),
        Just(Outcome::MemoryLimit {
            phase: Phase::Compile
        }),
        Just(Outcome::OutputLimit { phase: Phase::Run }),
        Just(Outcome::Cancelled),
    ]
}

/// Any event about attempts 1 to 4, whether or not it fits anywhere.
pub(crate) fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Submitted { submission: Box::new(submission()) }),
        4 => (1_u32..5, "w[1-3]")
            .prop_map(|(attempt, worker)| Change::Started { attempt, worker }),
        3 => (1_u32..5).prop_map(|attempt| Change::Retried {
            attempt,
            reason: "no cell".to_owned(),
            not_before_ms: 5,
            handed_back: false,
        }),
        2 => Just(Change::CancelRequested),
        1 => Just(Change::Cancelled),
        2 => (1_u32..5, outcome()).prop_map(|(attempt, outcome)| Change::Finished {
            attempt,
            outcome,
            measurements: Box::default(),
            output: Box::default(),
        }),
        1 => Just(Change::Expired),
        1 => (1_u32..5).prop_map(|attempt| Change::Dead {
            attempt,
            reason: "no cell".to_owned(),
            output: Box::default(),
        }),
    ]
}

/// Any events in any order.
pub(crate) fn events() -> impl Strategy<Value = Vec<ExecutionEvent>> {
    prop::collection::vec(
        (0_u64..1_000, change()).prop_map(|(at_ms, change)| ExecutionEvent { at_ms, change }),
        0..30,
    )
}

/// Any command about attempts 1 to 4.
pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => Just(Command::Submit(Box::new(submission()))),
        4 => "w[1-3]".prop_map(|worker| Command::Start { worker }),
        3 => (1_u32..5, outcome()).prop_map(|(attempt, outcome)| Command::Finish {
            attempt,
            outcome,
            measurements: Box::<Measurements>::default(),
            output: Box::<OutputSummary>::default(),
        }),
        3 => (1_u32..5).prop_map(|attempt| Command::GiveUp {
            attempt,
            reason: "no cell".to_owned(),
            output: Box::default(),
        }),
        2 => (1_u32..5).prop_map(|attempt| Command::HandBack {
            attempt,
            reason: "the worker was shut down".to_owned(),
        }),
        2 => Just(Command::Cancel),
        1 => Just(Command::Expire),
    ]
}

/// A history that the log can hold: every event was decided on the state before it.
pub(crate) fn history() -> impl Strategy<Value = Vec<ExecutionEvent>> {
    prop::collection::vec((0_u64..30_000, command()), 0..40).prop_map(|commands| {
        let mut execution = Execution::default();
        let mut events = Vec::new();
        let mut at_ms = 0;
        for (pause, command) in commands {
            at_ms += pause;
            if let Ok(Some(event)) = decide(&execution, command, at_ms) {
                execution = fold(execution, &event);
                events.push(event);
            }
        }
        events
    })
}

/// Folds events one after the other.
pub(crate) fn fold_all<'a>(
    execution: Execution,
    events: impl IntoIterator<Item = &'a ExecutionEvent>,
) -> Execution {
    events.into_iter().fold(execution, fold)
}

/// An attempt's recording in messages, and what it comes to.
pub(crate) fn recording(attempt: u32, sizes: &[usize]) -> (Vec<OutputBatch>, OutputDigest) {
    let mut digest = OutputDigest::default();
    let mut number = 0;
    let mut batches = Vec::new();
    for &size in sizes {
        let chunks: Vec<Chunk> = (0..size.max(1))
            .map(|_| {
                let data = Data(format!("{attempt}:{number}\n").into_bytes());
                let chunk = Chunk {
                    number,
                    at_us: number * 10,
                    what: ChunkKind::Stdout { data },
                };
                number += 1;
                digest.push(&chunk);
                chunk
            })
            .collect();
        batches.push(OutputBatch { attempt, chunks });
    }
    (batches, digest)
}

//! What is submitted, and what it does when it runs.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use runlog_schemas::{Data, ExecutionId, Limits, Outcome, Phase, Priority, SourceFile, Submission};
use uuid::Uuid;

/// How many keys there are. Key 2 is compiled, key 3 soon expires, odd ones are interactive.
pub(crate) const KEYS: u8 = 4;

/// What a program does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Write(Bytes),
    Exit(i32),
}

/// The execution of a key: derived from it, as an edge derives it.
pub(crate) fn id(key: u8) -> ExecutionId {
    let number = (0x8_u128 << 76) | (0x2_u128 << 62) | u128::from(key);
    ExecutionId::from_uuid(Uuid::from_u128(number))
}

/// What is submitted under a key; the other one under the same key is refused.
pub(crate) fn submission(key: u8, other: bool) -> Submission {
    let priority = if key % 2 == 1 {
        Priority::Interactive
    } else {
        Priority::Api
    };
    Submission {
        language: "script".to_owned(),
        priority,
        files: vec![SourceFile {
            name: "main".to_owned(),
            content: Data::from(if other { "other" } else { "source" }),
        }],
        entry: "main".to_owned(),
        args: Vec::new(),
        env: BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: if key == 3 { 8_000 } else { 600_000 },
        session: None,
        request_digest: Some(if other { "other" } else { "digest" }.to_owned()),
        toolchain_version: None,
        repeats: None,
    }
}

/// Whether it is compiled first.
pub(crate) const fn compiles(key: u8) -> bool {
    key == 2
}

/// What a step of it does.
pub(crate) fn script(key: u8, phase: Phase) -> VecDeque<Act> {
    let line = |number: u8| Act::Write(Bytes::from(format!("{key}: {phase:?} {number}\n")));
    let (lines, code) = match phase {
        Phase::Compile => (1, 0),
        Phase::Run => (key + 1, i32::from(key % 3)),
    };
    (0..lines).map(line).chain([Act::Exit(code)]).collect()
}

/// How it ends when nobody interferes.
pub(crate) fn outcome(key: u8) -> Outcome {
    Outcome::Exited {
        code: i32::from(key % 3),
    }
}

/// What it prints when nobody interferes.
pub(crate) fn stdout(key: u8) -> Vec<u8> {
    let acts = script(key, Phase::Run).into_iter();
    acts.filter_map(|act| match act {
        Act::Write(bytes) => Some(bytes),
        Act::Exit(_) => None,
    })
    .flatten()
    .collect()
}

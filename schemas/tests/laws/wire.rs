//! What stands in a log today can be read for ever.
//!
//! `tests/wire/` holds one file for each event and version. A file is never changed: a log in the
//! field holds such messages.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use runlog_schemas::{
    Change, ChunkKind, ExecutionEvent, OutputBatch, SnippetChange, SnippetEvent, Vocabulary,
    WireError, decode_event, decode_output, decode_snippet, encode_event, encode_output,
    encode_snippet,
};
use serde_json::Value;

use crate::generate::{events, recording};

fn fixtures(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .expect("the fixtures are part of the repository")
        .map(|entry| entry.expect("a folder of ours can be listed").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("a file of ours can be read");
            name.starts_with(prefix).then_some((name, bytes))
        })
        .collect();
    found.sort();
    found
}

/// The fixture that an event must have. A new event does not compile until it stands here.
const fn fixture_of(change: &Change) -> &'static str {
    match change {
        Change::Submitted { .. } => "event.submitted.v1",
        Change::Started { .. } => "event.started.v1",
        Change::Retried { .. } => "event.retried.v1",
        Change::CancelRequested => "event.cancel_requested.v1",
        Change::Cancelled => "event.cancelled.v1",
        Change::Finished { .. } => "event.finished.v1",
        Change::Expired => "event.expired.v1",
        Change::Dead { .. } => "event.dead.v1",
    }
}

#[test]
fn every_event_has_its_fixture_and_comes_back_as_it_was() {
    let fixtures = fixtures("event.");
    let mut plain = 0;
    for (name, bytes) in fixtures {
        let event = decode_event(&bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let wanted = fixture_of(&event.change);
        // Behind a plus: fields that came later, which older messages of the version lack.
        let rest = name
            .strip_prefix(wanted)
            .and_then(|it| it.strip_suffix(".json"));
        let fits = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'));
        assert!(fits, "{name}");
        plain += usize::from(rest == Some(""));
        let written: Value = serde_json::from_slice(&encode_event(&event)).unwrap();
        assert_eq!(
            written,
            serde_json::from_slice::<Value>(&bytes).unwrap(),
            "{name}"
        );
    }
    assert_eq!(plain, 8, "one fixture for each event and version");
}

const fn chunk_name(what: &ChunkKind) -> &'static str {
    match what {
        ChunkKind::Phase { .. } => "phase",
        ChunkKind::Compiler { .. } => "compiler",
        ChunkKind::Stdout { .. } => "stdout",
        ChunkKind::Stderr { .. } => "stderr",
        ChunkKind::Input { .. } => "input",
        ChunkKind::Eof => "eof",
        ChunkKind::Resize { .. } => "resize",
        ChunkKind::Signal { .. } => "signal",
        ChunkKind::Cut => "cut",
        ChunkKind::File { .. } => "file",
        ChunkKind::FileData { .. } => "file_data",
        ChunkKind::FilesLeft { .. } => "files_left",
    }
}

#[test]
fn the_fixtures_of_recordings_have_every_kind_of_chunk_and_come_back_as_they_were() {
    let mut kinds = BTreeSet::new();
    for (name, bytes) in fixtures("output.") {
        let batch = decode_output(&bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        kinds.extend(batch.chunks.iter().map(|chunk| chunk_name(&chunk.what)));
        let written: Value = serde_json::from_slice(&encode_output(&batch)).unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(written, read, "{name}");
    }
    assert_eq!(kinds.len(), 12, "{kinds:?}");
}

/// The fixture that an event of a snippet must have.
const fn snippet_fixture_of(change: &SnippetChange) -> &'static str {
    match change {
        SnippetChange::Created { .. } => "snippet.created.v1.json",
    }
}

#[test]
fn every_event_of_a_snippet_has_its_fixture_and_comes_back_as_it_was() {
    let fixtures = fixtures("snippet.");
    assert_eq!(fixtures.len(), 1, "one fixture for each event and version");
    for (name, bytes) in fixtures {
        let event = decode_snippet(&bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(snippet_fixture_of(&event.change), name);
        let written: Value = serde_json::from_slice(&encode_snippet(&event)).unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(written, read, "{name}");
    }
}

#[test]
fn what_is_not_known_is_refused_and_never_skipped() {
    let newer = br#"{"v":2,"at_ms":1,"type":"started","attempt":1,"worker":"w"}"#;
    assert!(matches!(
        decode_event(newer),
        Err(WireError::UnknownVersion { found: 2 })
    ));
    let newer = br#"{"v":1,"at_ms":1,"type":"teleported"}"#;
    assert!(matches!(
        decode_event(newer),
        Err(WireError::UnknownType(_))
    ));
    for bad in [
        &br#"{"v":1,"at_ms":1,"type":"started","attempt":1}"#[..],
        br#"{"at_ms":1,"type":"expired"}"#,
        b"\xff",
        b"",
    ] {
        assert!(
            matches!(decode_event(bad), Err(WireError::Malformed(_))),
            "{bad:?}"
        );
    }
    let newer = br#"{"v":1,"attempt":1,"chunks":[{"number":0,"at_us":0,"kind":"smell"}]}"#;
    assert!(matches!(
        decode_output(newer),
        Err(WireError::UnknownType(_))
    ));
}

#[test]
fn an_older_vocabulary_lacks_one_event_and_reads_all_others() {
    for (name, bytes) in fixtures("event.") {
        let event = decode_event(&bytes).unwrap();
        let older = Vocabulary::before(event.change.name()).decode_event(&bytes);
        let error = older.expect_err(&name);
        assert!(error.is_newer(), "{name}: {error}");
        let other = Vocabulary::before("teleported").decode_event(&bytes);
        assert_eq!(other.unwrap(), event);
    }
}

proptest! {
    #[test]
    fn every_event_survives_the_wire(events in events()) {
        for event in events {
            prop_assert_eq!(decode_event(&encode_event(&event)).unwrap(), event);
        }
    }

    #[test]
    fn every_recording_survives_the_wire(sizes in prop::collection::vec(1_usize..4, 0..5)) {
        for batch in recording(1, &sizes).0 {
            prop_assert_eq!(decode_output(&encode_output(&batch)).unwrap(), batch);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _: Result<ExecutionEvent, _> = decode_event(&bytes);
        let _: Result<OutputBatch, _> = decode_output(&bytes);
        let _: Result<SnippetEvent, _> = decode_snippet(&bytes);
    }
}

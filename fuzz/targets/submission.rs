//! Bodies of requests: what is understood is written and understood again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runlog_schemas::Submission;
use runlog_schemas::api::{BatchRequest, SnippetRequest, SubmitRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn read_back<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    let rewritten = serde_json::to_vec(&again).expect("as above");
    assert!(
        written == rewritten,
        "{}",
        String::from_utf8_lossy(&written)
    );
}

fuzz_target!(|bytes: &[u8]| {
    read_back::<SubmitRequest>(bytes);
    read_back::<BatchRequest>(bytes);
    read_back::<SnippetRequest>(bytes);
    read_back::<Submission>(bytes);
});

//! What a viewer says on the WebSocket, terminal input included, and where it wants to resume.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runlog_schemas::api::ViewerRequest;
use runlog_schemas::{Cursor, ExecutionId, SnippetId};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = serde_json::from_slice::<ViewerRequest>(bytes) {
        let written = serde_json::to_vec(&read).expect("what was read can be written");
        let again: ViewerRequest = serde_json::from_slice(&written).expect("it can be read again");
        assert_eq!(read, again);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(
            cursor.to_string().parse::<Cursor>().expect("a cursor"),
            cursor
        );
    }
    if let Ok(id) = text.parse::<ExecutionId>() {
        assert_eq!(id.to_string().parse::<ExecutionId>().expect("an id"), id);
    }
    if let Ok(id) = text.parse::<SnippetId>() {
        assert_eq!(id.to_string().parse::<SnippetId>().expect("an id"), id);
    }
});

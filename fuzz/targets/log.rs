//! Messages of the log and their subjects: whatever stands there is understood as it was written,
//! or refused, and folds to an execution.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runlog_schemas::subject::Subject;
use runlog_schemas::{
    Execution, decode_event, decode_output, decode_snippet, encode_event, encode_output,
    encode_snippet, fold,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = decode_event(bytes) {
        assert_eq!(
            decode_event(&encode_event(&event)).expect("it was read"),
            event
        );
        let once = fold(Execution::default(), &event);
        let twice = fold(once.clone(), &event);
        // Redelivered, it changes nothing.
        assert_eq!(once, twice);
    }
    if let Ok(batch) = decode_output(bytes) {
        assert_eq!(
            decode_output(&encode_output(&batch)).expect("it was read"),
            batch
        );
    }
    if let Ok(event) = decode_snippet(bytes) {
        assert_eq!(
            decode_snippet(&encode_snippet(&event)).expect("it was read"),
            event
        );
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Subject::parse(text);
    }
});

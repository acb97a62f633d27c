use runlog_schemas::Change;

use super::*;

fn event(change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms: 7, change }
}

#[test]
fn an_event_of_an_execution_that_is_not_in_the_book_is_not_taken_for_one_of_another() {
    let mut book = Book::default();
    let id: ExecutionId = "01941f29-7c00-7000-8000-000000000001".parse().unwrap();
    let taken = book.take(5, id, &event(Change::Cancelled));
    assert!(matches!(taken, Taken::Unknown));
    assert!(book.entries.is_empty());
}

/// The log holds a million executions at most, and this table is never more than half empty: with
/// what OPERATIONS.md says about memory.
#[test]
fn an_execution_takes_little() {
    let each = size_of::<(ExecutionId, Entry)>();
    assert!(each <= 160, "{each} bytes");
}

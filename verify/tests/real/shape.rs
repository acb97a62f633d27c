//! The tables have the shape that is checked.

use crate::bed::Bed;

/// Each table with its columns, as they are compared. A column that is added must be compared too:
/// teach `row.rs` or `tables.rs` of it, and then this list.
const SHAPE: [(&str, &[&str]); 6] = [
    (
        "executions",
        &[
            "attempts",
            "ended_at_ms",
            "execution",
            "exit_code",
            "first_sequence",
            "id",
            "language",
            "last_sequence",
            "outcome",
            "priority",
            "queue_deadline_ms",
            "session",
            "started_at_ms",
            "state",
            "submitted_at_ms",
        ],
    ),
    ("projector_checkpoints", &["last_sequence", "projector"]),
    (
        "recordings",
        &[
            "attempt", "body", "bytes", "chunks", "complete", "id", "object", "problem",
        ],
    ),
    ("recordings_due", &["id"]),
    ("snippets", &["body", "execution_id", "id", "sequence"]),
    ("submissions", &["body", "id"]),
];

#[tokio::test]
async fn every_column_is_compared() {
    let bed = Bed::folded().await;
    let sql = bed.sql().await;
    let tables = "SELECT table_name::text, array_agg(column_name::text ORDER BY column_name::text)
        FROM information_schema.columns
        WHERE table_schema = 'runlog' AND table_name <> 'refinery_schema_history'
        GROUP BY 1 ORDER BY 1";
    let found: Vec<(String, Vec<String>)> = sql
        .query(tables, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let expected: Vec<(String, Vec<String>)> = SHAPE
        .iter()
        .map(|(table, columns)| {
            let columns = columns.iter().map(|it| (*it).to_owned()).collect();
            ((*table).to_owned(), columns)
        })
        .collect();
    assert_eq!(found, expected);
}

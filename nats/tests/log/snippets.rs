//! Programs that were shared stand in the log once, and are read back in order.

use runlog_nats::{AppendError, ReadError};
use runlog_schemas::{Data, Priority, Snippet, SnippetId, subject};

use crate::support::{Bed, submission};

fn snippet(text: &str) -> Snippet {
    let mut snippet = Snippet::from(submission("c", Priority::Api));
    snippet.files[0].content = Data::from(text);
    snippet
}

#[tokio::test]
async fn a_snippet_is_stored_once_and_found_by_its_id() {
    let bed = Bed::start().await;
    let id = SnippetId::from_bits(7);
    assert_eq!(bed.log.read_snippet(id).await.unwrap(), None);
    let first = snippet("first");
    let sequence = bed.log.append_snippet(id, &first, 11).await.unwrap();
    let again = bed.log.append_snippet(id, &snippet("second"), 12).await;
    assert!(matches!(again, Err(AppendError::Conflict)), "{again:?}");
    let found = bed.log.read_snippet(id).await.unwrap().unwrap();
    assert_eq!((found.sequence, found.id), (sequence, id));
    assert_eq!(found.event.at_ms, 11);
    assert_eq!(found.event.into_snippet(), first);
    let other = SnippetId::from_bits(8);
    assert_eq!(bed.log.read_snippet(other).await.unwrap(), None);
}

#[tokio::test]
async fn all_of_them_are_read_in_order_from_any_place() {
    let bed = Bed::start().await;
    // Several pages, by count and by bytes.
    for number in 0..300 {
        let text = "x".repeat(if number < 20 { 200_000 } else { 10 });
        let id = SnippetId::from_bits(u128::MAX - number);
        bed.log
            .append_snippet(id, &snippet(&text), 1)
            .await
            .unwrap();
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let some = bed.log.read_snippets(after).await.unwrap();
        let Some(last) = some.last() else { break };
        after = last.sequence;
        seen.extend(some.into_iter().map(|it| u128::MAX - it.id.bits()));
    }
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
    let last = bed
        .log
        .bounds(subject::SNIPPETS)
        .await
        .unwrap()
        .last_sequence;
    assert_eq!(after, last);
    let beyond = bed.log.read_snippets(last + 1).await;
    assert!(
        matches!(beyond, Err(ReadError::ShorterThanRead { .. })),
        "{beyond:?}"
    );
}

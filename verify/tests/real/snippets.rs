//! Programs that were shared: in the log and in their table.

use runlog_schemas::{Priority, Snippet, SnippetId};
use runlog_verify::{Report, Rule};

use crate::bed::{Bed, submission};

async fn shared() -> Bed {
    let bed = Bed::start().await;
    for number in 0..6 {
        let snippet = Snippet::from(submission(Priority::Api));
        let id = SnippetId::from_bits(number);
        bed.log.append_snippet(id, &snippet, 1).await.unwrap();
    }
    bed.fold().await;
    bed
}

/// The sequences with which something is wrong.
fn wrong(report: &Report) -> Vec<u64> {
    let findings = report.findings.iter();
    let places = findings.filter(|it| it.rule == Rule::Snippet);
    places.filter_map(|it| it.sequence).collect()
}

#[tokio::test]
async fn sound_ones_are_called_sound_also_when_the_log_has_them_no_longer() {
    let mut bed = shared().await;
    let report = bed.check().await;
    assert!(report.is_ok(), "{:?}", report.findings);
    assert_eq!(report.checked.snippets, 6);
    let stream = bed.stream().await.get_stream("SNIPPETS").await.unwrap();
    stream.purge().sequence(4).await.unwrap();
    let report = bed.check().await;
    assert!(report.is_ok(), "{:?}", report.findings);
    assert_eq!(report.checked.snippets, 3);
}

#[tokio::test]
async fn every_kind_of_damage_is_named() {
    let mut bed = shared().await;
    let sql = bed.sql().await;
    for damage in [
        "DELETE FROM snippets WHERE sequence = 1",
        "UPDATE snippets SET body = '' WHERE sequence = 2",
        "UPDATE snippets SET execution_id = id WHERE sequence = 3",
        "UPDATE snippets SET id = '00000000-0000-0000-0000-0000000000ff' WHERE sequence = 4",
        "INSERT INTO snippets SELECT '00000000-0000-0000-0000-0000000000fe', 9, execution_id, body
         FROM snippets WHERE sequence = 5",
    ] {
        assert_eq!(sql.execute(damage, &[]).await.unwrap(), 1, "{damage}");
    }
    let another = zstd::stream::encode_all(&b"another"[..], 1).unwrap();
    let swap = "UPDATE snippets SET body = $1 WHERE sequence = 6";
    assert_eq!(sql.execute(swap, &[&another]).await.unwrap(), 1);
    let report = bed.check().await;
    assert_eq!(wrong(&report), [1, 2, 3, 4, 6, 9]);
    let client = bed.stream().await;
    let message = r#"{"v":1,"at_ms":1,"type":"created"}"#;
    let stored = client.publish("snippet.x", message.into()).await.unwrap();
    let sequence = stored.await.unwrap().sequence;
    let found = bed.check().await.findings;
    let odd = found.iter().find(|it| it.sequence == Some(sequence));
    assert_eq!(odd.map(|it| it.rule), Some(Rule::UnknownSubject));
}

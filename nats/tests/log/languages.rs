//! What hosts can run.

use runlog_nats::LanguageReport;

use crate::support::Bed;

fn report(id: &str, host: &str, at_ms: u64) -> LanguageReport {
    LanguageReport {
        id: id.to_owned(),
        available: true,
        version: Some("3.11.2".to_owned()),
        reason: None,
        host: host.to_owned(),
        at_ms,
    }
}

#[tokio::test]
async fn the_last_report_of_each_host_counts_and_changes_are_told() {
    let mut bed = Bed::start().await;
    let edge = bed.another().await;
    let mut watch = edge.watch_language_reports().await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), []);
    let first = report("python", "a", 1);
    bed.log.report_language(&first).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), [first]);
    let newer = report("python", "a", 2);
    let other = report("python", "b.example", 2);
    let ruby = report("ruby", "a", 2);
    for report in [&ruby, &newer, &other] {
        bed.log.report_language(report).await.unwrap();
    }
    let all = [newer, other, ruby];
    assert_eq!(edge.language_reports().await.unwrap(), all);
    // One telling may stand for several changes.
    while watch.next().await.unwrap().unwrap() != all {}
}

#[tokio::test]
async fn a_watcher_hears_of_what_changed_while_it_was_cut_off() {
    let mut bed = Bed::start().await;
    let mut watch = bed.log.watch_language_reports().await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), []);
    bed.servers.nats().kill().await.unwrap();
    bed.servers.nats().restart().await.unwrap();
    let other = bed.another().await;
    let report = report("python", "a", 1);
    other.report_language(&report).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), [report]);
}

//! `/v1/dead-letters`

use reqwest::Method;
use runlog_nats::{BatchLimit, DeadLetter};
use runlog_schemas::api::{
    Accepted, DeadLetterPage, DeadLetterReport, DeadLetterView, ExecutionView, Status,
};
use runlog_schemas::{Change, ExecutionId, subject};
use serde_json::{Value, json};

use crate::history::{project, purge};
use crate::script::Script;
use crate::stage::{Stage, problem};

const PATH: &str = "/v1/dead-letters";

/// Gives an execution up as its worker would.
async fn bury(stage: &Stage, id: ExecutionId, language: &str, (at_ms, reason): (u64, &str)) {
    let mut script = Script::start(&stage.log, id).await;
    script.retry().await;
    script.begin().await;
    let change = Change::Dead {
        attempt: 2,
        reason: reason.to_owned(),
        output: Box::default(),
    };
    script.event(change).await;
    let letter = DeadLetter {
        at_ms,
        attempts: 2,
        reason: reason.to_owned(),
        submission_sequence: 1,
        redriven: None,
    };
    let filed = stage.log.append_dead_letter(language, id, &letter).await;
    filed.unwrap();
}

async fn list(stage: &Stage, query: &str) -> DeadLetterPage {
    let page = stage.get_json(&format!("{PATH}{query}")).await;
    serde_json::from_value(page).unwrap()
}

fn ids(page: &DeadLetterPage) -> Vec<ExecutionId> {
    page.letters.iter().map(|letter| letter.id).collect()
}

async fn view(stage: &Stage, id: ExecutionId) -> ExecutionView {
    let shown = stage.get_json(&format!("/v1/executions/{id}")).await;
    serde_json::from_value(shown).unwrap()
}

async fn report(stage: &Stage, action: &str, body: &Value) -> DeadLetterReport {
    let response = stage.post(&format!("{PATH}/{action}"), body).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn letters_are_listed_by_page_and_filter_and_shown_with_every_attempt() {
    let stage = Stage::start().await;
    assert_eq!(list(&stage, "").await.letters, []);
    let mut all = Vec::new();
    for (number, reason) in ["No cell", "no cell", "lost"].into_iter().enumerate() {
        let id = stage.submit().await;
        let language = if number == 1 { "c" } else { "python" };
        bury(&stage, id, language, (number as u64 * 10, reason)).await;
        all.push(id);
    }
    let first = list(&stage, "?limit=2").await;
    assert_eq!(ids(&first), all[..2]);
    let next = first.next.unwrap();
    let second = list(&stage, &format!("?limit=2&after={next}")).await;
    assert_eq!((ids(&second), second.next), (vec![all[2]], None));
    for (query, expected) in [
        ("?reason=NO%20cell", vec![all[0], all[1]]),
        ("?language=c-alias", vec![all[1]]),
        ("?since_ms=10", vec![all[1], all[2]]),
        ("?until_ms=10", vec![all[0]]),
        ("?redriven=true", vec![]),
        ("?redriven=false&reason=lost", vec![all[2]]),
    ] {
        assert_eq!(ids(&list(&stage, query).await), expected, "{query}");
    }
    let shown = stage.get_json(&format!("{PATH}/{}", all[0])).await;
    let shown: DeadLetterView = serde_json::from_value(shown).unwrap();
    assert_eq!((shown.reason.as_str(), shown.attempts), ("No cell", 2));
    let attempts = shown.execution.unwrap().attempts;
    let failures: Vec<_> = attempts.iter().map(|it| it.failure.as_deref()).collect();
    assert_eq!(failures, [Some("the machine burns"), Some("No cell")]);
    assert!(
        attempts
            .iter()
            .all(|it| it.worker == "script" && it.started_at_ms > 0)
    );
    for bad in [
        "?limit=0",
        "?language=pyton",
        "?redriven=maybe",
        "?after=x",
        "?old=1",
    ] {
        assert_eq!(
            stage.get(&format!("{PATH}{bad}")).await.status(),
            400,
            "{bad}"
        );
    }
    let unknown = stage.submit().await;
    let missing = problem(stage.get(&format!("{PATH}/{unknown}")).await).await;
    assert_eq!(
        (missing.status, missing.code.as_str()),
        (404, "no_such_dead_letter")
    );
    assert_eq!(stage.get(&format!("{PATH}/x")).await.status(), 400);
}

#[tokio::test]
async fn a_letter_that_is_tried_again_is_one_new_execution_and_both_know_of_each_other() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    bury(&stage, id, "python", (5, "lost")).await;
    let path = format!("{PATH}/{id}/redrive");
    let ask = async || {
        let response = stage.post(&path, &json!({})).await;
        assert_eq!(response.status(), 202);
        response.json::<Accepted>().await.unwrap().id
    };
    let again = ask().await;
    assert_ne!(again, id);
    assert_eq!(ask().await, again, "a letter has one");
    let (old, new) = (view(&stage, id).await, view(&stage, again).await);
    assert_eq!((old.redriven_as, old.redrive_of), (Some(again), None));
    assert_eq!((new.redriven_as, new.redrive_of), (None, Some(id)));
    assert_eq!(new.status, Status::Queued);
    let before = stage
        .log
        .read_submission(id)
        .await
        .unwrap()
        .unwrap()
        .submission;
    let after = stage
        .log
        .read_submission(again)
        .await
        .unwrap()
        .unwrap()
        .submission;
    assert_eq!((after.files, after.limits), (before.files, before.limits));
    let page = list(&stage, "").await;
    assert_eq!(ids(&page), [id], "marked, and not doubled");
    assert_eq!(page.letters[0].redriven_as, Some(again));
    assert_eq!(ids(&list(&stage, "?redriven=false").await), []);
    // A late filing of the same letter changes nothing.
    let late = DeadLetter {
        at_ms: 5,
        attempts: 2,
        reason: "lost".to_owned(),
        submission_sequence: 1,
        redriven: None,
    };
    stage
        .log
        .append_dead_letter("python", id, &late)
        .await
        .unwrap();
    assert_eq!(list(&stage, "").await, page);
    let limit = BatchLimit {
        events: 100,
        bytes: 1 << 20,
    };
    let mut tail = stage.log.tail(1).await.unwrap();
    let submitted = tail.next_batch(limit).await.unwrap();
    let count = submitted
        .iter()
        .filter(|it| it.event.change.name() == "submitted");
    assert_eq!(count.count(), 2);
}

#[tokio::test]
async fn many_are_tried_again_or_dropped_at_once_and_a_dry_run_only_says_which() {
    let stage = Stage::start().await;
    let mut all = Vec::new();
    for number in 0..4_u64 {
        let id = stage.submit().await;
        let reason = if number < 2 { "no cell" } else { "lost" };
        bury(&stage, id, "python", (number, reason)).await;
        all.push(id);
    }
    let before = stage.events_in_log().await;
    let selection = json!({ "reason": "cell", "dry_run": true });
    let dry = report(&stage, "redrive", &selection).await;
    let of =
        |report: &DeadLetterReport| -> Vec<_> { report.letters.iter().map(|it| it.id).collect() };
    assert!(dry.dry_run && dry.letters.iter().all(|it| it.redriven_as.is_none()));
    assert_eq!(of(&dry), all[..2]);
    assert_eq!(of(&report(&stage, "drop", &selection).await), all[..2]);
    assert_eq!(stage.events_in_log().await, before);
    let done = report(&stage, "redrive", &json!({ "reason": "cell", "limit": 1 })).await;
    assert_eq!((of(&done), done.more), (vec![all[0]], true));
    assert_eq!(done.letters[0].problem, None);
    assert_eq!(
        view(&stage, all[0]).await.redriven_as,
        done.letters[0].redriven_as
    );
    let rest = report(&stage, "redrive", &json!({ "all": true })).await;
    assert_eq!(
        (of(&rest), rest.more),
        (all[1..].to_vec(), false),
        "once each"
    );
    assert_eq!(
        of(&report(&stage, "drop", &json!({ "until_ms": 2 })).await),
        all[..2]
    );
    assert_eq!(ids(&list(&stage, "").await).len(), 2);
    let one = format!("{PATH}/{}", all[3]);
    for expected in [204, 404] {
        let deleted = stage.request(Method::DELETE, &one).send().await.unwrap();
        assert_eq!(deleted.status(), expected);
    }
    assert_eq!(ids(&list(&stage, "").await), [all[2]]);
    for (body, field) in [
        (json!({}), "all"),
        (json!({ "all": true, "reason": "x" }), "all"),
        (json!({ "all": true, "limit": 0 }), "limit"),
        (json!({ "language": "pyton" }), "language"),
        (json!({ "everything": true }), "everything"),
    ] {
        let refused = problem(stage.post(&format!("{PATH}/drop"), &body).await).await;
        assert_eq!(refused.status, 422, "{body}");
        assert_eq!(refused.fields[0].field, field);
    }
}

#[tokio::test]
async fn a_letter_whose_submission_has_left_the_log_is_taken_from_the_history() {
    let mut stage = Stage::with_history().await;
    let (kept, gone) = (stage.submit().await, stage.submit().await);
    for id in [kept, gone] {
        bury(&stage, id, "python", (1, "lost")).await;
    }
    project(&mut stage, kept, None).await;
    purge(&mut stage, subject::EXECUTIONS).await;
    let redrive = async |id| {
        stage
            .post(&format!("{PATH}/{id}/redrive"), &json!({}))
            .await
    };
    let accepted: Accepted = redrive(kept).await.json().await.unwrap();
    assert_eq!(view(&stage, accepted.id).await.redrive_of, Some(kept));
    assert_eq!(
        redrive(gone).await.status(),
        404,
        "nobody knows the execution"
    );
}

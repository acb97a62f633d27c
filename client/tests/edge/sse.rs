use runlog_client::{Error, Events};
use runlog_schemas::api::ViewerMessage;

use crate::script::{answer, ended, events, id, output, problem, serve};

async fn all(events: &mut Events) -> Vec<ViewerMessage> {
    let mut messages = Vec::new();
    while let Some(message) = events.next().await {
        messages.push(message.unwrap());
    }
    messages
}

#[tokio::test]
async fn a_lost_connection_comes_back_behind_the_last_thing_seen() {
    let (client, server) = serve(vec![
        events(&[output("1-1-1", "a"), output("1-2-2", "b")]),
        events(&[]),
        events(&[output("1-3-3", "c"), ended("4-3-3")]),
    ])
    .await;
    let seen = all(&mut client.events(id(), None)).await;
    let expected = [
        output("1-1-1", "a"),
        output("1-2-2", "b"),
        output("1-3-3", "c"),
        ended("4-3-3"),
    ];
    assert_eq!(seen, expected);
    let heads = server.await.unwrap();
    assert!(!heads[0].contains("last-event-id"), "{}", heads[0]);
    assert!(heads[1].contains("last-event-id: 1-2-2"), "{}", heads[1]);
    assert!(heads[2].contains("last-event-id: 1-2-2"), "{}", heads[2]);
}

#[tokio::test]
async fn an_event_that_was_cut_in_the_middle_is_read_again() {
    let whole = events(&[output("1-1-1", "a")]);
    let cut = whole[..whole.len() - 5].to_owned();
    let (client, server) = serve(vec![cut, events(&[output("1-1-1", "a"), ended("2-1-1")])]).await;
    let seen = all(&mut client.events(id(), None)).await;
    assert_eq!(seen, [output("1-1-1", "a"), ended("2-1-1")]);
    server.await.unwrap();
}

#[tokio::test]
async fn resume_and_overload_lead_back() {
    let resume = ViewerMessage::Resume {
        cursor: "1-7-0".to_owned(),
    };
    let (client, server) = serve(vec![
        events(&[resume]),
        problem(503, "retry-after: 0\r\n"),
        events(&[ended("2-7-0")]),
    ])
    .await;
    assert_eq!(all(&mut client.events(id(), None)).await, [ended("2-7-0")]);
    let heads = server.await.unwrap();
    assert!(heads[1].contains("last-event-id: 1-7-0"), "{}", heads[1]);
    assert!(heads[2].contains("last-event-id: 1-7-0"), "{}", heads[2]);
}

#[tokio::test]
async fn a_refusal_ends_the_watch() {
    let (client, _server) = serve(vec![problem(404, "")]).await;
    let mut events = client.events(id(), Some("1-2-3".to_owned()));
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.problem().unwrap().status, 404);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn what_is_no_message_ends_the_watch() {
    let nonsense = answer("200 OK", "", "data: {\"type\":\"weather\"}\n\n");
    let (client, _server) = serve(vec![nonsense]).await;
    let mut events = client.events(id(), None);
    let error = events.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert!(events.next().await.is_none());
}

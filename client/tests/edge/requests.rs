use runlog_client::{BaseUrl, Client, Error, Waited};
use runlog_schemas::api::{Accepted, HistoryQuery, Links, Status, SubmitRequest};

use crate::script::{answer, id, problem, serve};

fn accepted() -> String {
    let links = Links::of(id());
    serde_json::to_string(&Accepted { id: id(), links }).unwrap()
}

#[tokio::test]
async fn a_submission_carries_its_key() {
    let (client, server) = serve(vec![answer("202 Accepted", "", &accepted())]).await;
    let request = SubmitRequest::default();
    let accepted = client.submit(&request, Some("k-1")).await.unwrap();
    assert_eq!(accepted.id, id());
    let head = &server.await.unwrap()[0];
    assert!(head.starts_with("POST /v1/executions HTTP/1.1"), "{head}");
    assert!(head.contains("idempotency-key: k-1"), "{head}");
}

#[tokio::test]
async fn a_wait_that_was_too_short_leaves_an_id() {
    let (client, server) = serve(vec![answer("202 Accepted", "", &accepted())]).await;
    let wait = std::time::Duration::from_millis(1_500);
    let waited = client
        .submit_and_wait(&SubmitRequest::default(), wait)
        .await;
    assert!(matches!(waited, Ok(Waited::Accepted(it)) if it.id == id()));
    let head = &server.await.unwrap()[0];
    assert!(
        head.starts_with("POST /v1/executions?wait=1500ms "),
        "{head}"
    );
}

#[tokio::test]
async fn filters_become_a_query() {
    let page = r#"{"executions":[],"next":null}"#;
    let (client, server) = serve(vec![answer("200 OK", "", page)]).await;
    let query = HistoryQuery {
        status: Some(Status::Ended),
        session: Some("a b&c".to_owned()),
        limit: Some(3),
        ..HistoryQuery::default()
    };
    client.list(&query).await.unwrap();
    let head = &server.await.unwrap()[0];
    let path = "GET /v1/executions?session=a+b%26c&status=ended&limit=3 ";
    assert!(head.starts_with(path), "{head}");
}

#[tokio::test]
async fn a_refusal_keeps_what_the_edge_said() {
    let (client, _server) = serve(vec![problem(429, "retry-after: 7\r\n")]).await;
    let error = client.get(id()).await.unwrap_err();
    let Error::Problem(refused) = error else {
        panic!("{error:?}")
    };
    assert_eq!(refused.retry_after.unwrap().as_secs(), 7);
    assert_eq!(refused.problem.request_id, "r");
}

#[tokio::test]
async fn nonsense_is_called_nonsense() {
    let (client, _server) = serve(vec![answer("200 OK", "", "<html>hi</html>")]).await;
    let error = client.get(id()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Protocol { what, .. } if what.contains("<html>")),
        "{error:?}"
    );
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(base.parse::<BaseUrl>().unwrap());
    let error = client.languages().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let error = client.events(id(), None).next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let error = client
        .session(id(), None)
        .next()
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

//! The loop around the routes: limits, compression, origins.

use std::time::Duration;

use reqwest::Method;
use runlog_edge::EdgeConfig;
use runlog_schemas::api::Problem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{Stage, quick};

async fn connect(stage: &Stage) -> TcpStream {
    TcpStream::connect(stage.address()).await.unwrap()
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Everything until the edge closes the connection.
async fn hear_all(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    // A connection that is cut off is closed too.
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn answers_are_compressed_as_asked_and_streams_never() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    for (accept, expected) in [("gzip", "gzip"), ("br", "br"), ("identity", "")] {
        let request = stage.request(Method::GET, "/v1/openapi.json");
        let response = request.header("accept-encoding", accept).send().await;
        let response = response.unwrap();
        let encoding = response.headers().get("content-encoding");
        let encoding = encoding.map_or("", |it| it.to_str().unwrap());
        assert_eq!(encoding, expected, "{accept}");
    }
    let request = stage.request(Method::GET, &format!("/v1/executions/{id}/events"));
    let response = request.header("accept-encoding", "gzip, br").send().await;
    assert!(!response.unwrap().headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_header_that_does_not_come_and_a_body_that_does_not_end_are_cut_off() {
    let stage = Stage::with(EdgeConfig {
        header_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..quick()
    })
    .await;
    let mut headless = connect(&stage).await;
    say(&mut headless, "GET /livez HT").await;
    assert!(!hear_all(headless).await.contains("200 OK"));
    let mut endless = connect(&stage).await;
    let request = "POST /v1/executions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    say(&mut endless, request).await;
    let answer = hear_all(endless).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem: Problem = serde_json::from_str(body).unwrap();
    assert_eq!(problem.code, "body_incomplete");
    assert_eq!(stage.events_in_log().await, 0);
}

#[tokio::test]
async fn who_finds_no_slot_waits_for_one() {
    let mut stage = Stage::with(EdgeConfig {
        max_connections: 2,
        ..quick()
    })
    .await;
    // The stage's own connections count too.
    stage.http = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let request = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&stage).await;
        say(&mut stream, request).await;
        stream.read_u8().await.unwrap();
        served.push(stream);
    }
    let mut waiting = connect(&stage).await;
    say(&mut waiting, request).await;
    let unheard = timeout(Duration::from_millis(200), waiting.read_u8()).await;
    assert!(unheard.is_err());
    served.pop();
    assert_eq!(waiting.read_u8().await.unwrap(), b'H');
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let stage = Stage::start().await;
    let mut stream = connect(&stage).await;
    say(&mut stream, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&empty_settings).await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "settings come first");
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_where_that_was_set() {
    let preflight = async |stage: &Stage| {
        let request = stage.request(Method::OPTIONS, "/v1/executions");
        let request = request
            .header("origin", "https://ide.test")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let response = request.send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin");
        allowed.map(|it| it.to_str().unwrap().to_owned())
    };
    assert_eq!(preflight(&Stage::start().await).await, None);
    let open = EdgeConfig {
        allowed_origins: vec!["https://ide.test".to_owned()],
        ..quick()
    };
    let allowed = preflight(&Stage::with(open).await).await;
    assert_eq!(allowed.as_deref(), Some("https://ide.test"));
}

#[tokio::test]
async fn a_request_id_is_taken_over_where_it_is_reasonable() {
    let stage = Stage::start().await;
    let long = "x".repeat(129);
    for (sent, kept) in [("abc-1", true), ("a b", false), (long.as_str(), false)] {
        let request = stage.request(Method::GET, "/livez");
        let response = request.header("x-request-id", sent).send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(id == sent, kept, "{sent}");
    }
}

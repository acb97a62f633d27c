//! The way in.

use runlog_nats::{ConnectError, Log, LogConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::support::Bed;

/// Says the hello of a server of that version to one client.
async fn greet(listener: TcpListener, version: &str) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let info = format!(
        r#"INFO {{"server_id":"x","server_name":"x","version":"{version}","proto":1,"headers":true,"max_payload":1048576,"jetstream":true}}"#
    );
    stream
        .write_all(format!("{info}\r\n").as_bytes())
        .await
        .unwrap();
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
        if line.starts_with("PING") {
            stream.write_all(b"PONG\r\n").await.unwrap();
        }
        line.clear();
    }
}

#[tokio::test]
async fn an_old_server_is_refused_with_both_versions() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://user:secret@{}", listener.local_addr().unwrap());
    let config = LogConfig::new(url, "test");
    let error = tokio::select! {
        () = greet(listener, "2.9.10") => panic!("the client left without an answer"),
        connected = Log::connect(&config) => connected.err().expect("too old"),
    };
    assert!(matches!(error, ConnectError::TooOld { .. }), "{error:?}");
    let words = error.to_string();
    assert!(
        words.contains("2.9.10") && words.contains("2.12"),
        "{words}"
    );
    assert!(!words.contains("secret"), "{words}");
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = LogConfig::new(format!("nats://user:secret@{address}"), "test");
    let error = Log::connect(&config).await.err().expect("nobody is there");
    let words = error.to_string();
    assert!(words.contains(&address.to_string()), "{words}");
    assert!(!words.contains("secret"), "{words}");
    let malformed = Log::connect(&LogConfig::new("nats://[", "test")).await;
    assert!(matches!(malformed, Err(ConnectError::Address(_))));
}

#[tokio::test]
async fn the_server_is_known() {
    let bed = Bed::start().await;
    let server = bed.log.server();
    assert!(server.version.starts_with("2."), "{server:?}");
    assert!(
        server.max_payload >= 4 * 1024 * 1024 - 1024 * 1024,
        "{server:?}"
    );
    assert!(bed.log.is_connected());
}

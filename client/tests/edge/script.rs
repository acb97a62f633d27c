//! A server that answers each connection with the next item of a script.

use runlog_client::{BaseUrl, Client};
use runlog_schemas::api::{ExecutionView, ViewerMessage};
use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, Execution, ExecutionEvent, ExecutionId, Limits, Outcome,
    OutputBatch, Priority, SourceFile, Submission, fold,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Serves the script and hands back the head of each request.
pub(crate) async fn serve(script: Vec<String>) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&listener);
    let server = async move {
        let mut heads = Vec::new();
        for answer in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            heads.push(read_head(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        heads
    };
    (client, tokio::task::spawn(server))
}

pub(crate) fn client_of(listener: &TcpListener) -> Client {
    let address = listener.local_addr().unwrap();
    Client::new(format!("http://{address}").parse::<BaseUrl>().unwrap())
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "the client went away");
        head.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// An HTTP answer whose body ends with the connection.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}")
}

/// An event stream that breaks off behind the messages.
pub(crate) fn events(messages: &[ViewerMessage]) -> String {
    let body: String = messages
        .iter()
        .map(|it| format!("data: {}\n\n", serde_json::to_string(it).unwrap()))
        .collect();
    answer("200 OK", "content-type: text/event-stream\r\n", &body)
}

pub(crate) fn problem(status: u16, headers: &str) -> String {
    let body = format!(
        r#"{{"type":"about:blank","title":"x","status":{status},"code":"c","detail":"d","request_id":"r"}}"#
    );
    let headers = format!("content-type: application/problem+json\r\n{headers}");
    answer(&format!("{status} x"), &headers, &body)
}

pub(crate) fn id() -> ExecutionId {
    "01941f29-7c00-7000-8000-000000000001".parse().unwrap()
}

pub(crate) fn output(cursor: &str, text: &str) -> ViewerMessage {
    ViewerMessage::Output {
        cursor: cursor.to_owned(),
        batch: OutputBatch {
            attempt: 1,
            chunks: vec![Chunk {
                number: 0,
                at_us: 1,
                what: ChunkKind::Stdout {
                    data: Data::from(text),
                },
            }],
        },
    }
}

/// The terminal event of an execution.
pub(crate) fn ended(cursor: &str) -> ViewerMessage {
    let submission = Submission {
        language: "python".to_owned(),
        priority: Priority::Api,
        files: vec![SourceFile {
            name: "main.py".to_owned(),
            content: Data::from(""),
        }],
        entry: "main.py".to_owned(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        compiler_options: Vec::new(),
        stdin: None,
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: Limits::default(),
        queue_limit_ms: 1_000,
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    };
    let submitted = Change::Submitted {
        submission: Box::new(submission),
    };
    let execution = [submitted, Change::Cancelled]
        .into_iter()
        .map(|change| ExecutionEvent { at_ms: 1, change })
        .fold(Execution::default(), |execution, event| {
            fold(execution, &event)
        });
    let view = ExecutionView::of(id(), &execution).unwrap();
    assert_eq!(view.outcome, Some(Outcome::Cancelled));
    ViewerMessage::Event {
        cursor: cursor.to_owned(),
        at_ms: 1,
        execution: Box::new(view),
        name: "cancelled".to_owned(),
    }
}

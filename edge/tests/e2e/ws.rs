//! `GET /v1/executions/{id}/ws`

use futures_util::{SinkExt as _, StreamExt as _};
use runlog_nats::ControlListener;
use runlog_schemas::api::ViewerMessage;
use runlog_schemas::control::{ControlRefusal, ControlReply, ControlRequest};
use runlog_schemas::{Data, ExecutionId, Outcome, TerminalSize};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::script::Script;
use crate::sse;
use crate::stage::Stage;

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(stage: &Stage, id: ExecutionId, query: &str) -> Self {
        let url = format!("ws://{}/v1/executions/{id}/ws{query}", stage.address());
        Self(connect_async(url).await.expect("it opens").0)
    }

    async fn say(&mut self, request: Value) {
        let text = Message::text(request.to_string());
        self.0.send(text).await.expect("the socket is open");
    }

    /// The next message, or the code with which the socket is closed.
    async fn hear(&mut self) -> Result<ViewerMessage, u16> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("a message"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(0, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// The code of the next message, which is an error.
    async fn error(&mut self) -> String {
        match self.hear().await {
            Ok(ViewerMessage::Error { code, message }) => {
                assert!(!message.is_empty());
                code
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything up to the terminal event.
    async fn until_the_end(&mut self) -> Vec<sse::Event> {
        let mut events = Vec::new();
        loop {
            let message = self.hear().await.expect("it stays open");
            let over = matches!(&message, ViewerMessage::Event { name, .. } if name == "finished");
            let id = match &message {
                ViewerMessage::Event { cursor, .. } | ViewerMessage::Output { cursor, .. } => {
                    Some(cursor.clone())
                }
                ViewerMessage::Error { .. } | ViewerMessage::Resume { .. } => None,
            };
            events.push(sse::Event { id, message });
            if over {
                return events;
            }
        }
    }
}

async fn answer(ear: &mut ControlListener, reply: ControlReply) -> ControlRequest {
    let (request, replier) = ear.next().await.expect("something is asked");
    replier.reply(&reply).await.expect("it can be answered");
    request
}

#[tokio::test]
async fn a_socket_shows_the_same_as_the_events() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let mut socket = Socket::open(&stage, id, "").await;
    let mut script = Script::start(&stage.log, id).await;
    script.say("a\n\0").await;
    script.exit(0).await;
    let seen = socket.until_the_end().await;
    let events = sse::Viewer::open(&stage, id, None).await.rest().await;
    assert_eq!(seen, events);
    let from = format!("?from={}", events[1].id.clone().unwrap());
    let mut resumed = Socket::open(&stage, id, &from).await;
    assert_eq!(resumed.until_the_end().await, events[2..]);
}

#[tokio::test]
async fn what_is_said_reaches_the_program_in_order() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    Script::start(&stage.log, id).await;
    let mut ear = stage.log.control_listen(id).await.unwrap();
    let mut socket = Socket::open(&stage, id, "").await;
    for number in 0..20 {
        let text = number.to_string();
        socket
            .say(json!({"type": "stdin", "data": {"text": text}}))
            .await;
    }
    socket
        .say(json!({"type": "resize", "columns": 100, "rows": 30}))
        .await;
    socket.say(json!({"type": "signal", "signal": "INT"})).await;
    socket.say(json!({"type": "eof"})).await;
    for number in 0..20 {
        let data = Data::from(number.to_string().as_str());
        let asked = answer(&mut ear, ControlReply::Applied).await;
        assert_eq!(asked, ControlRequest::Stdin { data });
    }
    let size = TerminalSize {
        columns: 100,
        rows: 30,
    };
    for expected in [
        ControlRequest::Resize { size },
        ControlRequest::Signal { signal: 2 },
        ControlRequest::Eof,
    ] {
        assert_eq!(answer(&mut ear, ControlReply::Applied).await, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_answered_and_the_socket_stays_open() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let mut socket = Socket::open(&stage, id, "").await;
    socket.hear().await.unwrap();
    socket.say(json!({"type": "eof"})).await;
    assert_eq!(socket.error().await, "not_running_yet");
    let script = Script::start(&stage.log, id).await;
    socket.hear().await.unwrap();
    let mut ear = stage.log.control_listen(id).await.unwrap();
    for (reason, code) in [
        (ControlRefusal::NotRunningYet, "not_running_yet"),
        (ControlRefusal::InputClosed, "input_closed"),
        (ControlRefusal::InputFull, "input_full"),
        (ControlRefusal::NoTerminal, "no_terminal"),
        (ControlRefusal::Ended, "ended"),
    ] {
        socket
            .say(json!({"type": "stdin", "data": {"base64": "/w=="}}))
            .await;
        answer(&mut ear, ControlReply::Refused { reason }).await;
        assert_eq!(socket.error().await, code);
    }
    for (request, code) in [
        (json!("x"), "malformed_request"),
        (json!({"type": "stdin"}), "malformed_request"),
        (
            json!({"type": "resize", "columns": 0, "rows": 5}),
            "invalid_size",
        ),
        (json!({"type": "signal", "signal": "65"}), "unknown_signal"),
    ] {
        socket.say(request).await;
        assert_eq!(socket.error().await, code);
    }
    socket.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(socket.error().await, "malformed_request");
    drop(ear);
    script.exit(0).await;
    socket.hear().await.unwrap();
    socket
        .say(json!({"type": "stdin", "data": {"text": "x"}}))
        .await;
    assert_eq!(socket.error().await, "ended");
    socket.say(json!({"type": "cancel"})).await;
    assert_eq!(socket.error().await, "ended");
}

#[tokio::test]
async fn an_unknown_execution_is_told_and_the_socket_stays_open() {
    let stage = Stage::start().await;
    let unknown = "01941f29-7c00-7000-8000-000000000001".parse().unwrap();
    let mut socket = Socket::open(&stage, unknown, "").await;
    assert_eq!(socket.error().await, "no_such_execution");
    for request in [
        json!({"type": "stdin", "data": {"text": "x"}}),
        json!({"type": "cancel"}),
    ] {
        socket.say(request).await;
        assert_eq!(socket.error().await, "no_such_execution");
    }
}

#[tokio::test]
async fn a_cancel_over_the_socket_is_one_over_http() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let script = Script::start(&stage.log, id).await;
    let mut socket = Socket::open(&stage, id, "").await;
    socket.say(json!({"type": "cancel"})).await;
    let names: Vec<String> = {
        let mut names = Vec::new();
        while names.len() < 3 {
            if let Ok(ViewerMessage::Event { name, .. }) = socket.hear().await {
                names.push(name);
            }
        }
        names
    };
    assert_eq!(names, ["submitted", "started", "cancel_requested"]);
    script.finish(Outcome::Cancelled).await;
    socket.until_the_end().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_socket_and_nothing_else() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let mut socket = Socket::open(&stage, id, "").await;
    socket.hear().await.unwrap();
    let data = "x".repeat(300 << 10);
    socket
        .say(json!({"type": "stdin", "data": {"text": data}}))
        .await;
    socket.hear().await.unwrap_err();
    assert_eq!(stage.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn an_edge_that_stops_closes_sockets_with_1012_and_the_place_to_resume() {
    let mut stage = Stage::start().await;
    let id = stage.submit().await;
    let mut socket = Socket::open(&stage, id, "").await;
    let Ok(ViewerMessage::Event { cursor: seen, .. }) = socket.hear().await else {
        panic!("no event");
    };
    let unknown = "01941f29-7c00-7000-8000-000000000001".parse().unwrap();
    let mut other = Socket::open(&stage, unknown, "").await;
    other.error().await;
    stage.tell_edge_to_stop();
    let told = socket.hear().await;
    assert!(matches!(told, Ok(ViewerMessage::Resume { cursor }) if cursor == seen));
    assert_eq!(socket.hear().await, Err(1012));
    assert_eq!(other.hear().await, Err(1012));
    stage.stop_edge().await;
}

#[tokio::test]
async fn a_page_from_elsewhere_is_refused() {
    let stage = Stage::start().await;
    let id = stage.submit().await;
    let url = format!("ws://{}/v1/executions/{id}/ws", stage.address());
    let mut request = url.as_str().into_client_request().unwrap();
    request
        .headers_mut()
        .insert("origin", "http://elsewhere.test".parse().unwrap());
    match connect_async(request).await {
        Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

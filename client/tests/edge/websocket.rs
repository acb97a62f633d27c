use futures_util::{SinkExt as _, StreamExt as _};
use runlog_schemas::Data;
use runlog_schemas::api::{ViewerMessage, ViewerRequest};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::script::{client_of, ended, id, output, problem, serve};

/// Takes one WebSocket connection and says which path it asked for.
#[expect(clippy::result_large_err, reason = "the callback's type is not ours")]
async fn accept(listener: &TcpListener) -> (WebSocketStream<TcpStream>, String) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut path = String::new();
    let note = |request: &Request, response: Response| {
        path = request.uri().to_string();
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, note)
        .await
        .unwrap();
    (socket, path)
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &ViewerMessage) {
    let json = serde_json::to_string(message).unwrap();
    socket.send(Message::text(json)).await.unwrap();
}

#[tokio::test]
async fn a_session_survives_its_connection_and_talks_on_the_new_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut session = client_of(&listener).session(id(), None);
    let server = tokio::task::spawn(async move {
        let (mut socket, path) = accept(&listener).await;
        assert_eq!(path, format!("/v1/executions/{}/ws", id()));
        say(&mut socket, &output("1-1-1", "name? ")).await;
        let typed = socket.next().await.unwrap().unwrap().into_text().unwrap();
        drop(socket);
        let (mut socket, path) = accept(&listener).await;
        assert_eq!(path, format!("/v1/executions/{}/ws?from=1-1-1", id()));
        say(&mut socket, &output("1-2-2", "hi Ada")).await;
        say(&mut socket, &ended("2-2-2")).await;
        // Whatever closes first, the terminal event is the end.
        socket.next().await;
        typed.to_string()
    });
    assert!(!session.is_connected());
    assert_eq!(
        session.next().await.unwrap().unwrap(),
        output("1-1-1", "name? ")
    );
    let stdin = ViewerRequest::Stdin {
        data: Data::from("Ada\n"),
    };
    assert!(session.send(&stdin).await);
    assert_eq!(
        session.next().await.unwrap().unwrap(),
        output("1-2-2", "hi Ada")
    );
    assert_eq!(session.next().await.unwrap().unwrap(), ended("2-2-2"));
    assert!(session.next().await.is_none());
    assert_eq!(
        server.await.unwrap(),
        r#"{"type":"stdin","data":{"text":"Ada\n"}}"#
    );
}

#[tokio::test]
async fn a_handshake_that_is_refused_says_why() {
    let (client, _server) = serve(vec![problem(404, "")]).await;
    let error = client
        .session(id(), None)
        .next()
        .await
        .unwrap()
        .unwrap_err();
    // The body of a refused handshake is read as far as it came with the head.
    assert!(
        error.to_string().contains('d') && !error.is_temporary(),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_error_of_a_request_leaves_the_session_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut session = client_of(&listener).session(id(), Some("1-0-0".to_owned()));
    let refused = ViewerMessage::Error {
        code: "no_terminal".to_owned(),
        message: "the execution has no terminal".to_owned(),
    };
    let expected = refused.clone();
    let server = tokio::task::spawn(async move {
        let (mut socket, _) = accept(&listener).await;
        say(&mut socket, &refused).await;
        say(&mut socket, &ended("2-0-0")).await;
        socket.next().await;
    });
    assert_eq!(session.next().await.unwrap().unwrap(), expected);
    assert_eq!(session.next().await.unwrap().unwrap(), ended("2-0-0"));
    drop(session);
    server.await.unwrap();
}

//! A viewer over SSE, as strict as the standard.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::Response;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::ViewerMessage;

use crate::stage::Stage;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) message: ViewerMessage,
}

/// A connection.
pub(crate) struct Viewer {
    body: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
    /// The beginning of a character; the network cuts where it likes.
    rest: Vec<u8>,
    /// Comments that came, which keep the connection alive.
    pub(crate) comments: usize,
    pub(crate) retry: Option<String>,
}

impl Viewer {
    /// Connects, from the beginning or behind an id.
    pub(crate) async fn open(stage: &Stage, id: ExecutionId, last: Option<&str>) -> Self {
        Self::of(request(stage, id, last).await)
    }

    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-cache, no-transform");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert!(!headers.contains_key("content-encoding"));
        Self {
            body: response.bytes_stream().boxed(),
            text: String::new(),
            rest: Vec::new(),
            comments: 0,
            retry: None,
        }
    }

    /// The next event; `None` when the edge has ended the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
                continue;
            }
            let piece = self.body.next().await?.ok()?;
            self.rest.extend_from_slice(&piece);
            let complete = match std::str::from_utf8(&self.rest) {
                Ok(text) => text.len(),
                Err(error) => {
                    assert_eq!(error.error_len(), None, "we send text");
                    error.valid_up_to()
                }
            };
            let whole: Vec<u8> = self.rest.drain(..complete).collect();
            self.text
                .push_str(std::str::from_utf8(&whole).expect("it was looked at"));
        }
    }

    fn read(&mut self, block: &str) -> Option<Event> {
        let (mut id, mut name, mut data) = (None, None, None);
        for line in block.split(['\n', '\r']) {
            match line.split_once(':') {
                Some(("id", value)) => id = Some(value.trim_start().to_owned()),
                Some(("event", value)) => name = Some(value.trim_start().to_owned()),
                Some(("data", value)) => {
                    let second = data.replace(value.trim_start().to_owned());
                    assert_eq!(second, None, "one line of data each");
                }
                Some(("retry", value)) => self.retry = Some(value.trim_start().to_owned()),
                Some(("", _)) => self.comments += 1,
                _ => panic!("not a field: {line:?}"),
            }
        }
        let data = data?;
        let message: ViewerMessage = serde_json::from_str(&data).expect("a message");
        let value: serde_json::Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(value["type"].as_str(), name.as_deref());
        Some(Event { id, message })
    }

    /// Everything until the edge ends the stream.
    pub(crate) async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// The next event that is no output.
    pub(crate) async fn next_name(&mut self) -> String {
        loop {
            match self.next().await.expect("the stream goes on").message {
                ViewerMessage::Event { name, .. } => return name,
                ViewerMessage::Output { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Asks for the events of an execution.
pub(crate) async fn request(stage: &Stage, id: ExecutionId, last: Option<&str>) -> Response {
    let mut request = stage.request(reqwest::Method::GET, &format!("/v1/executions/{id}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.send().await.expect("the edge answers")
}

/// What a viewer who saw these events has on the screen: the names of the events, and the output
/// since the last one that clears it.
pub(crate) fn screen(events: &[Event]) -> (Vec<String>, Vec<u8>) {
    let (mut names, mut chunks) = (Vec::new(), Vec::new());
    for event in events {
        match &event.message {
            ViewerMessage::Event { name, .. } => {
                if name == "started" || name == "retried" {
                    chunks.clear();
                }
                names.push(name.clone());
            }
            ViewerMessage::Output { batch, .. } => chunks.extend(batch.chunks.clone()),
            ViewerMessage::Error { .. } | ViewerMessage::Resume { .. } => {}
        }
    }
    let numbers: Vec<u64> = chunks.iter().map(|chunk| chunk.number).collect();
    let expected: Vec<u64> = (0..numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "everything once and in order");
    (names, crate::script::stdout(&chunks))
}

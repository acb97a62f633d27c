//! One message for viewers, in the form in which it is sent.

use bytes::{BufMut as _, Bytes, BytesMut};
use runlog_schemas::api::{ExecutionView, ViewerMessage};
use runlog_schemas::{Cursor, Execution, ExecutionId, Item, Shown};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A message, serialised once for all viewers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// What it shows, and where a viewer who has it goes on.
    pub(crate) shown: Shown,
    /// As it is sent over SSE.
    sse: Bytes,
    /// As it is sent over a WebSocket: a part of `sse`.
    text: Utf8Bytes,
}

impl Frame {
    /// Serialises what is shown. `execution` is the execution as of this.
    pub(crate) fn new(id: ExecutionId, mut shown: Shown, execution: &Execution) -> Self {
        if let Item::Output(batch) = &mut shown.item {
            for chunk in &mut batch.chunks {
                chunk.what.without_file_data();
            }
        }
        let cursor = shown.cursor.to_string();
        let message = match &shown.item {
            Item::Event(event) => match ExecutionView::of(id, execution) {
                Some(view) => ViewerMessage::Event {
                    cursor,
                    at_ms: event.at_ms,
                    execution: Box::new(view),
                    name: event.change.name().to_owned(),
                },
                // A timeline shows nothing before the submission.
                None => ViewerMessage::Error {
                    code: "broken".to_owned(),
                    message: "the log shows an event before its submission".to_owned(),
                },
            },
            Item::Output(batch) => ViewerMessage::Output {
                cursor,
                batch: batch.clone(),
            },
        };
        let (sse, json) = sse(&message, Some(shown.cursor));
        let text = Utf8Bytes::try_from(sse.slice(json)).expect("JSON is UTF-8");
        Self { shown, sse, text }
    }

    /// The bytes to send over SSE.
    pub(crate) fn sse(&self) -> Bytes {
        self.sse.clone()
    }

    /// The text to send over a WebSocket.
    pub(crate) fn text(&self) -> Utf8Bytes {
        self.text.clone()
    }

    /// About how much memory it takes: the bytes, and about as much for what is shown.
    pub(crate) fn weight(&self) -> usize {
        2 * self.sse.len()
    }
}

/// A message as an event of SSE, and where in it the JSON document stands.
fn sse(message: &ViewerMessage, cursor: Option<Cursor>) -> (Bytes, std::ops::Range<usize>) {
    let json = json(message);
    let mut text = BytesMut::with_capacity(json.len() + 96);
    if let Some(cursor) = cursor {
        text.put_slice(format!("id: {cursor}\n").as_bytes());
    }
    text.put_slice(format!("event: {}\ndata: ", name(message)).as_bytes());
    let begin = text.len();
    // JSON has no line breaks of its own: those of the output are escaped.
    text.put_slice(&json);
    let end = text.len();
    text.put_slice(b"\n\n");
    (text.freeze(), begin..end)
}

/// A message that belongs to no place of the timeline, over SSE.
pub(crate) fn sse_of(message: &ViewerMessage) -> Bytes {
    sse(message, None).0
}

/// A message as JSON.
pub(crate) fn json(message: &ViewerMessage) -> Vec<u8> {
    serde_json::to_vec(message).expect("our types have string keys only, so they always serialise")
}

const fn name(message: &ViewerMessage) -> &'static str {
    match message {
        ViewerMessage::Event { .. } => "event",
        ViewerMessage::Output { .. } => "output",
        ViewerMessage::Error { .. } => "error",
        ViewerMessage::Resume { .. } => "resume",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runlog_schemas::{Chunk, ChunkKind, Data, OutputBatch};

    use super::*;

    proptest! {
        #[test]
        fn output_cannot_break_out_of_its_event(
            bytes in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(0), Just(b':'), any::<u8>()], 0..40),
        ) {
            let mut data = b"\n\ndata: x\r\revent: y\n\nid: 0\n\n".to_vec();
            data.extend(bytes);
            let what = ChunkKind::Stdout { data: Data(data) };
            let batch = OutputBatch { attempt: 1, chunks: vec![Chunk { number: 0, at_us: 0, what }] };
            let cursor = Cursor { status: 2, output: 3, chunk: 1 };
            let shown = Shown { cursor, item: Item::Output(batch.clone()) };
            let id = ExecutionId::from_uuid(uuid::Uuid::nil());
            let frame = Frame::new(id, shown, &Execution::default());
            let text = String::from_utf8(frame.sse().to_vec()).unwrap();
            let lines: Vec<&str> = text.split(['\n', '\r']).collect();
            prop_assert_eq!(lines.len(), 5);
            prop_assert_eq!(lines[0], "id: 2-3-1");
            prop_assert_eq!(lines[1], "event: output");
            prop_assert_eq!(lines[2].strip_prefix("data: "), Some(&*frame.text));
            let expected = ViewerMessage::Output { cursor: cursor.to_string(), batch };
            prop_assert_eq!(serde_json::from_str::<ViewerMessage>(&frame.text).unwrap(), expected);
        }
    }
}

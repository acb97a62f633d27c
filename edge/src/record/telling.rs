//! The ways in which a large recording is told. Each says what a small one's answer says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runlog_schemas::api::{ExecutionView, OutputView, RecordingView};
use runlog_schemas::{Chunk, ChunkKind, Data, OutputStream};
use serde::Serialize;

use super::cast::Player;
use super::large::{Large, Listener, Stopped, Told};
use crate::error::EdgeError;

/// An empty stream in JSON, for which its content is put.
const NOTHING: &str = r#"{"text":""}"#;

impl Large {
    /// The bytes of one stream, and how many there will be.
    pub(crate) fn tell_stream(self, of: OutputStream) -> (u64, Told) {
        let length = self.length(of);
        let told = self.tell(move |mut large, to| async move {
            while let Some(chunks) = large.next().await? {
                let bytes: Vec<u8> = outputs(&chunks, of).flatten().copied().collect();
                to.hear(bytes).await?;
            }
            Ok(())
        });
        (length, told)
    }

    /// The recording for asciinema.
    pub(crate) fn tell_cast(self) -> Told {
        self.tell(|mut large, to| async move {
            let (mut player, header) = Player::new(large.execution());
            to.hear(header).await?;
            while let Some(chunks) = large.next().await? {
                let lines: String = chunks.iter().filter_map(|it| player.line(it)).collect();
                to.hear(lines).await?;
            }
            Ok(())
        })
    }

    /// A [`RecordingView`].
    ///
    /// # Errors
    /// When the execution makes no view.
    pub(crate) fn tell_recording(self) -> Result<Told, EdgeError> {
        let view = RecordingView {
            execution: self.view()?,
            attempt: self.attempt(),
            complete: true,
            chunks: Vec::new(),
        };
        let (head, tail) = around(&view, "[]");
        Ok(self.tell(|mut large, to| async move {
            to.hear(head + "[").await?;
            let mut between = "";
            while let Some(chunks) = large.next().await? {
                let mut text = String::new();
                for mut chunk in chunks {
                    chunk.what.without_file_data();
                    text.push_str(between);
                    text.push_str(&json(&chunk));
                    between = ",";
                }
                to.hear(text).await?;
            }
            to.hear("]".to_owned() + &tail).await
        }))
    }

    /// An [`OutputView`]. What is written to the three streams is mixed in a recording and apart in
    /// the view, so it is read once for each, and once before for what each is.
    pub(crate) fn tell_output(self) -> Told {
        let view = |cut| OutputView {
            id: self.id(),
            attempt: self.attempt(),
            complete: true,
            compiler: Data::default(),
            stdout: Data::default(),
            stderr: Data::default(),
            cut,
        };
        let [whole, cut] = [view(false), view(true)].map(|view| json(&view));
        self.tell(|mut large, to| async move {
            let looked = Look::at(&mut large).await?;
            let template = if looked.cut { cut } else { whole };
            let mut parts = template.split(NOTHING);
            to.hear(parts.next().unwrap_or_default().to_owned()).await?;
            let streams = [
                OutputStream::Compiler,
                OutputStream::Stdout,
                OutputStream::Stderr,
            ];
            for ((of, is_text), behind) in streams.into_iter().zip(looked.is_text).zip(parts) {
                tell_data(&mut large, &to, of, is_text).await?;
                to.hear(behind.to_owned()).await?;
            }
            Ok(())
        })
    }

    fn length(&self, of: OutputStream) -> u64 {
        let output = self.output();
        match of {
            OutputStream::Compiler => output.compiler.bytes,
            OutputStream::Stdout => output.stdout.bytes,
            OutputStream::Stderr => output.stderr.bytes,
        }
    }

    fn attempt(&self) -> u32 {
        self.execution().recorded_attempt().unwrap_or(0)
    }

    fn view(&self) -> Result<ExecutionView, EdgeError> {
        ExecutionView::of(self.id(), self.execution()).ok_or(EdgeError::NoSuchExecution)
    }
}

/// One stream's [`Data`].
async fn tell_data(
    large: &mut Large,
    to: &Listener,
    of: OutputStream,
    is_text: bool,
) -> Result<(), Stopped> {
    if large.length(of) == 0 {
        return to.hear(NOTHING).await;
    }
    large.rewind().await?;
    let (head, tail) = if is_text {
        (r#"{"text":""#, r#""}"#)
    } else {
        (r#"{"base64":""#, r#""}"#)
    };
    to.hear(head).await?;
    let mut rest = Vec::new();
    while let Some(chunks) = large.next().await? {
        rest.extend(outputs(&chunks, of).flatten());
        let text = if is_text {
            escape(&mut rest)
        } else {
            let whole = rest.len() / 3 * 3;
            STANDARD.encode(rest.drain(..whole).as_slice())
        };
        to.hear(text).await?;
    }
    // Only base64 can have a rest.
    to.hear(STANDARD.encode(&rest)).await?;
    to.hear(tail).await
}

/// Takes the characters that are complete, as they stand in a JSON string.
fn escape(bytes: &mut Vec<u8>) -> String {
    let complete = match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    };
    let text = String::from_utf8_lossy(&bytes[..complete]);
    let quoted = json(&text);
    bytes.drain(..complete);
    quoted[1..quoted.len() - 1].to_owned()
}

/// What has to be known of all before any of it is told.
struct Look {
    /// Whether the compiler's output, standard output and standard error are UTF-8.
    is_text: [bool; 3],
    cut: bool,
}

impl Look {
    async fn at(large: &mut Large) -> Result<Self, EdgeError> {
        let mut texts = [Utf8::default(), Utf8::default(), Utf8::default()];
        let mut cut = false;
        while let Some(chunks) = large.next().await? {
            for chunk in &chunks {
                cut |= chunk.what == ChunkKind::Cut;
                if let Some((of, bytes)) = chunk.what.output() {
                    let number = match of {
                        OutputStream::Compiler => 0,
                        OutputStream::Stdout => 1,
                        OutputStream::Stderr => 2,
                    };
                    texts[number].push(bytes);
                }
            }
        }
        let is_text = texts.map(|it| it.is_text());
        Ok(Self { is_text, cut })
    }
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a character.
    rest: Vec<u8>,
    broken: bool,
}

impl Utf8 {
    fn push(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.rest.extend_from_slice(bytes);
        let complete = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => {
                self.broken = error.error_len().is_some();
                error.valid_up_to()
            }
        };
        self.rest.drain(..complete);
    }

    const fn is_text(&self) -> bool {
        !self.broken && self.rest.is_empty()
    }
}

fn outputs(chunks: &[Chunk], of: OutputStream) -> impl Iterator<Item = &[u8]> {
    let outputs = chunks.iter().filter_map(|chunk| chunk.what.output());
    outputs.filter_map(move |(stream, bytes)| (stream == of).then_some(bytes))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our types have string keys only, so they always serialise")
}

/// What stands before and behind the last `gap` of a document.
fn around(view: &impl Serialize, gap: &str) -> (String, String) {
    let text = json(view);
    let (head, tail) = text.rsplit_once(gap).unwrap_or((&text, ""));
    (head.to_owned(), tail.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_in_pieces_is_text_and_reads_the_same(text: String, piece in 1..5_usize) {
            let (mut known, mut rest, mut told) = (Utf8::default(), Vec::new(), String::new());
            for piece in text.as_bytes().chunks(piece) {
                known.push(piece);
                rest.extend_from_slice(piece);
                told.push_str(&escape(&mut rest));
            }
            prop_assert!(known.is_text() && rest.is_empty());
            prop_assert_eq!(format!("\"{told}\""), json(&text));
        }

        #[test]
        fn what_is_no_text_is_known(bytes: Vec<u8>, piece in 1..5_usize) {
            let mut known = Utf8::default();
            for piece in bytes.chunks(piece) {
                known.push(piece);
            }
            prop_assert_eq!(known.is_text(), std::str::from_utf8(&bytes).is_ok());
        }
    }
}

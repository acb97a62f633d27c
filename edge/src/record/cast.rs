//! A recording as asciinema (version 2) plays it: a header, then one line for each thing that
//! happened.

use runlog_schemas::{Chunk, ChunkKind, Execution, TerminalSize};
use serde_json::json;

/// The size of a terminal for programs that had none.
const USUAL_SIZE: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};

/// The recording as text.
pub(crate) fn cast(execution: &Execution, chunks: &[Chunk]) -> String {
    let (mut player, mut text) = Player::new(execution);
    text.extend(chunks.iter().filter_map(|chunk| player.line(chunk)));
    text
}

/// Makes lines out of what happened.
pub(crate) struct Player(Screen);

impl Player {
    /// Also the header.
    pub(crate) fn new(execution: &Execution) -> (Self, String) {
        let origin = execution.origin.as_ref();
        let terminal = origin.and_then(|origin| origin.terminal);
        let size = terminal.unwrap_or(USUAL_SIZE);
        let begin = execution
            .attempts
            .last()
            .map_or(0, |attempt| attempt.started_at_ms);
        let mut header = json!({
            "version": 2,
            "width": size.columns,
            "height": size.rows,
            "timestamp": begin / 1_000,
        });
        if let Some(origin) = origin {
            header["title"] = format!("{} ({})", origin.entry, origin.language).into();
        }
        let screen = Screen {
            raw: terminal.is_some(),
            ..Screen::default()
        };
        (Self(screen), format!("{header}\n"))
    }

    /// What comes next, where it is to be seen.
    pub(crate) fn line(&mut self, chunk: &Chunk) -> Option<String> {
        let seconds = std::time::Duration::from_micros(chunk.at_us).as_secs_f64();
        let (kind, data) = self.0.line(&chunk.what)?;
        Some(format!("{}\n", json!([seconds, kind, data])))
    }
}

/// What stands between bytes and a player, which takes characters.
#[derive(Default)]
struct Screen {
    /// Whether the bytes come from a terminal, which has done its own translations.
    raw: bool,
    /// The beginning of a character whose rest is in the next chunk.
    rest: Vec<u8>,
    /// Whether the last byte was a carriage return.
    after_return: bool,
}

impl Screen {
    fn line(&mut self, what: &ChunkKind) -> Option<(&'static str, String)> {
        match what {
            ChunkKind::Compiler { data }
            | ChunkKind::Stdout { data }
            | ChunkKind::Stderr { data } => {
                let text = self.characters(&data.0);
                let text = self.line_ends(text);
                (!text.is_empty()).then_some(("o", text))
            }
            ChunkKind::Input { data } => Some(("i", String::from_utf8_lossy(&data.0).into_owned())),
            ChunkKind::Resize { size } => Some(("r", format!("{}x{}", size.columns, size.rows))),
            ChunkKind::Cut => Some(("o", "\r\n[output cut off at its limit]\r\n".to_owned())),
            ChunkKind::Phase { .. }
            | ChunkKind::Eof
            | ChunkKind::Signal { .. }
            | ChunkKind::File { .. }
            | ChunkKind::FileData { .. }
            | ChunkKind::FilesLeft { .. } => None,
        }
    }

    /// The characters that are complete; what is none becomes the replacement character.
    fn characters(&mut self, bytes: &[u8]) -> String {
        let mut pending = std::mem::take(&mut self.rest);
        pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        Some(length) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = &after[length..];
                        }
                        None => {
                            self.rest = after.to_vec();
                            return text;
                        }
                    }
                }
            }
        }
    }

    /// A pipe's line ends, for a terminal.
    fn line_ends(&mut self, text: String) -> String {
        if self.raw {
            return text;
        }
        let mut translated = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            if c == '\n' && !self.after_return {
                translated.push('\r');
            }
            self.after_return = c == '\r';
            translated.push(c);
        }
        translated
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::Data;

    use super::*;

    fn lines(chunks: &[(u64, ChunkKind)]) -> Vec<serde_json::Value> {
        let chunks: Vec<Chunk> = (0..)
            .zip(chunks)
            .map(|(number, (at_us, what))| Chunk {
                number,
                at_us: *at_us,
                what: what.clone(),
            })
            .collect();
        let text = cast(&Execution::default(), &chunks);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn stdout(bytes: &[u8]) -> ChunkKind {
        ChunkKind::Stdout {
            data: Data(bytes.to_vec()),
        }
    }

    #[test]
    fn the_header_comes_first_and_times_are_seconds() {
        let size = TerminalSize {
            columns: 100,
            rows: 30,
        };
        let input = ChunkKind::Input {
            data: Data::from("x\r"),
        };
        let lines = lines(&[
            (1_500_000, stdout(b"a\n")),
            (2_000_000, input),
            (2_000_001, ChunkKind::Resize { size }),
            (2_000_002, ChunkKind::Eof),
        ]);
        assert_eq!(lines[0]["version"], 2);
        assert_eq!(lines[0]["width"], 80);
        assert_eq!(lines[1], json!([1.5, "o", "a\r\n"]));
        assert_eq!(lines[2], json!([2.0, "i", "x\r"]));
        assert_eq!(lines[3], json!([2.000_001, "r", "100x30"]));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_character_may_be_split_and_bytes_may_be_none() {
        let lines = lines(&[
            (0, stdout(b"\xc3")),
            (1, stdout(b"\xa9\xff!")),
            (2, stdout(b"\r")),
            (3, stdout(b"\n")),
        ]);
        assert_eq!(lines[1][2], "é\u{fffd}!");
        assert_eq!(lines[2][2], "\r");
        assert_eq!(lines[3][2], "\n");
    }
}

//! The format of server-sent events (WHATWG HTML, §9.2.6), read from bytes as they arrive.
//!
//! Pure. Our own, because an event has to be cut out of the stream without copying what was
//! seen before, and because a bound on its size is a must against what answers on a wrong port.

/// The largest event that is read. One event holds one message of the log, at most 1 MiB of it,
/// in JSON.
const LARGEST: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its name; empty means `message`.
    pub event: String,
    /// The last id that was sent up to here.
    pub id: String,
    /// Its data, without the line end behind the last line.
    pub data: String,
}

/// What is not an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {LARGEST} bytes")]
pub struct TooLarge;

/// Cuts events out of a stream of bytes, however the bytes are cut into pieces.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    /// The line that is not complete.
    line: Vec<u8>,
    /// The line end before was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The byte order mark can only stand in front of the first line.
    begun: bool,
    event: String,
    id: String,
    data: String,
}

impl Parser {
    /// Takes the next bytes and gives the events that are complete with them.
    ///
    /// # Errors
    /// An event is too large to be one.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Frame>, TooLarge> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|it| matches!(it, b'\n' | b'\r')) else {
                self.line.extend_from_slice(bytes);
                self.check_size()?;
                break;
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            frames.extend(self.end_line());
            self.check_size()?;
        }
        Ok(frames)
    }

    const fn check_size(&self) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() > LARGEST {
            return Err(TooLarge);
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let mut text: &str = &text;
        if !std::mem::replace(&mut self.begun, true) {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            return self.end_event();
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            // Comments (no field before the colon), `retry`, and what a later standard may add.
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Frame> {
        let event = std::mem::take(&mut self.event);
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        Some(Frame {
            event,
            id: self.id.clone(),
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Vec<Frame> {
        Parser::default().push(text.as_bytes()).unwrap()
    }

    fn frame(event: &str, id: &str, data: &str) -> Frame {
        Frame {
            event: event.to_owned(),
            id: id.to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn the_examples_of_the_standard() {
        assert_eq!(
            parse("data: YHOO\ndata: +2\ndata: 10\n\n"),
            [frame("", "", "YHOO\n+2\n10")]
        );
        assert_eq!(
            parse(
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
            ),
            [
                frame("", "1", "first event"),
                frame("", "", "second event"),
                frame("", "", " third event"),
            ]
        );
        assert_eq!(
            parse("data\n\ndata\ndata\n\ndata:"),
            [frame("", "", ""), frame("", "", "\n")]
        );
        assert_eq!(
            parse("data:test\n\ndata: test\n\n"),
            vec![frame("", "", "test"); 2]
        );
    }

    #[test]
    fn an_id_stays_until_it_is_changed_and_never_holds_nul() {
        assert_eq!(
            parse("id: 7\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\n"),
            [
                frame("", "7", "a"),
                frame("", "7", "b"),
                frame("", "7", "c")
            ]
        );
        assert_eq!(
            parse("id: 8\n\ndata: a\n\n"),
            [frame("", "8", "a")],
            "an event without data is none, but its id counts"
        );
    }

    #[test]
    fn an_event_without_data_leaves_no_name_behind() {
        assert_eq!(parse("event: x\n\ndata: a\n\n"), [frame("", "", "a")]);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1024 * 1024];
        let refused = (0..20).find_map(|_| parser.push(&piece).err());
        assert_eq!(refused, Some(TooLarge));
    }

    #[test]
    fn endless_data_lines_are_refused() {
        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(1024 * 1024));
        let refused = (0..20).find_map(|_| parser.push(line.as_bytes()).err());
        assert_eq!(refused, Some(TooLarge));
    }

    /// How one event is written: line ends and comments differ, the meaning does not.
    #[derive(Clone, Debug)]
    struct Written {
        frame: Frame,
        line_end: &'static str,
        comment: Option<String>,
        space: bool,
    }

    fn line() -> impl Strategy<Value = String> {
        "[a-zA-Zäß€:😀 \t]{0,12}"
    }

    fn written() -> impl Strategy<Value = Written> {
        let data = prop::collection::vec(line(), 1..4).prop_map(|lines| lines.join("\n"));
        let frame = (line(), line(), data).prop_map(|(event, id, data)| Frame { event, id, data });
        let line_end = prop::sample::select(vec!["\n", "\r", "\r\n"]);
        (frame, line_end, prop::option::of(line()), any::<bool>()).prop_map(
            |(frame, line_end, comment, space)| Written {
                frame,
                line_end,
                comment,
                space,
            },
        )
    }

    impl Written {
        fn render(&self) -> String {
            let mut lines = Vec::new();
            // Without the space a value that begins with one would lose it.
            let field = |name: &str, value: &str| {
                let space = if self.space || value.starts_with(' ') {
                    " "
                } else {
                    ""
                };
                format!("{name}:{space}{value}")
            };
            lines.push(field("event", &self.frame.event));
            lines.extend(self.comment.iter().map(|it| format!(":{it}")));
            lines.extend(self.frame.data.split('\n').map(|it| field("data", it)));
            lines.push(field("id", &self.frame.id));
            lines.push(String::new());
            lines
                .iter()
                .map(|it| format!("{it}{}", self.line_end))
                .collect()
        }
    }

    proptest! {
        #[test]
        fn cutting_the_stream_anywhere_gives_the_same_events(
            written in prop::collection::vec(written(), 0..6),
            bom: bool,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
            // A CR that ends one event and an LF that ends the next would be one line end: a
            // server does not mix them, so each stream keeps to one.
            let line_end = written.first().map_or("\n", |it| it.line_end);
            for it in &written {
                text.push_str(&Written { line_end, ..it.clone() }.render());
            }
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|it| it.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut frames = Vec::new();
            for pair in cuts.windows(2) {
                frames.extend(parser.push(&bytes[pair[0]..pair[1]]).unwrap());
            }
            let expected: Vec<Frame> = written.into_iter().map(|it| it.frame).collect();
            prop_assert_eq!(frames, expected);
        }

        #[test]
        fn any_bytes_are_read_without_panic(pieces: Vec<Vec<u8>>) {
            let mut parser = Parser::default();
            for piece in pieces {
                prop_assert!(parser.push(&piece).is_ok());
            }
        }
    }
}

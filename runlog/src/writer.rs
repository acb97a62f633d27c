//! The only way to the terminal.
//!
//! Standard output carries what was asked for: a program's output, an answer, or JSON. Words of
//! ours go to standard error, each beginning with `runlog: `.

use std::io::{self, IsTerminal as _, Write};

use runlog_schemas::OutputStream;
use serde::Serialize;

use crate::config::Speech;
use crate::failure::Failure;

/// Writes what a command has to say.
pub(crate) struct Writer {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    speech: Speech,
    /// The terminal is raw: a line end alone does not lead back to the first column.
    raw: bool,
    /// The program's output and our words meet on one terminal.
    shared: bool,
    /// The program left a line unfinished there.
    unfinished: bool,
}

impl Writer {
    /// A writer to this process's own outputs.
    pub(crate) fn new(speech: Speech) -> Self {
        let shared = io::stdout().is_terminal() && io::stderr().is_terminal();
        Self {
            shared,
            ..Self::to(Box::new(io::stdout()), Box::new(io::stderr()), speech)
        }
    }

    /// A writer to anything.
    pub(crate) fn to(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        speech: Speech,
    ) -> Self {
        Self {
            out,
            err,
            speech,
            raw: false,
            shared: false,
            unfinished: false,
        }
    }

    /// Whether answers are wanted as JSON.
    pub(crate) const fn wants_json(&self) -> bool {
        self.speech.json
    }

    /// Says whether the terminal is raw.
    pub(crate) const fn set_raw(&mut self, raw: bool) {
        self.raw = raw;
    }

    /// Passes on what a program wrote: its standard output to ours, all else to standard error.
    pub(crate) fn program(&mut self, stream: OutputStream, bytes: &[u8]) -> Result<(), Failure> {
        let to = match stream {
            OutputStream::Stdout => &mut self.out,
            OutputStream::Stderr | OutputStream::Compiler => &mut self.err,
        };
        to.write_all(bytes)?;
        to.flush()?;
        if let Some(last) = bytes.last() {
            self.unfinished = *last != b'\n';
        }
        Ok(())
    }

    /// Answers with a line.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(self.out.flush()?)
    }

    /// Answers with bytes that are a document of their own.
    pub(crate) fn document(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes)?;
        Ok(self.out.flush()?)
    }

    /// Answers with one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).expect("our answers are plain data");
        self.line(&json)
    }

    /// Tells the user something, unless they asked for quiet or for JSON.
    pub(crate) fn say(&mut self, words: &str) {
        if !self.speech.quiet && !self.speech.json {
            self.tell(words);
        }
    }

    /// Tells the user why a command failed, whatever they asked for.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        if matches!(failure, Failure::Pipe) {
            return;
        }
        if self.speech.json {
            let json = serde_json::json!({
                "error": {
                    "code": failure.name(),
                    "message": failure.words(),
                    "problem": failure.problem(),
                }
            });
            self.err.write_all(format!("{json}\n").as_bytes()).ok();
        } else {
            self.tell(&failure.words());
        }
    }

    /// There is nobody left to tell when standard error fails.
    fn tell(&mut self, words: &str) {
        let begin = if self.shared && std::mem::take(&mut self.unfinished) {
            "\n"
        } else {
            ""
        };
        let mut text = format!("{begin}runlog: {words}\n");
        if self.raw {
            text = text.replace('\n', "\r\n");
        }
        self.err.write_all(text.as_bytes()).ok();
        self.err.flush().ok();
    }
}

/// A text of somebody else's, fit for a line on a terminal: control characters, which could move
/// the cursor or change colours, stand as escapes.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|it| {
            if it.is_control() {
                it.escape_default().to_string()
            } else {
                it.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Bytes that a test reads back.
    #[derive(Clone, Default)]
    pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A writer and what it wrote.
    pub(crate) fn memory(speech: Speech) -> (Writer, Memory, Memory) {
        let (out, err) = (Memory::default(), Memory::default());
        let writer = Writer::to(Box::new(out.clone()), Box::new(err.clone()), speech);
        (writer, out, err)
    }

    #[test]
    fn programs_and_words_do_not_mix() {
        let (mut writer, out, err) = memory(Speech::default());
        writer.program(OutputStream::Stdout, b"a").unwrap();
        writer.program(OutputStream::Stderr, b"b").unwrap();
        writer.program(OutputStream::Compiler, b"c\n").unwrap();
        writer.say("d");
        assert_eq!(out.text(), "a");
        assert_eq!(err.text(), "bc\nrunlog: d\n");
    }

    #[test]
    fn a_raw_terminal_gets_whole_line_ends() {
        let (mut writer, _, err) = memory(Speech::default());
        writer.set_raw(true);
        writer.say("a\nb");
        assert_eq!(err.text(), "runlog: a\r\nb\r\n");
    }

    #[test]
    fn our_words_begin_a_line_of_their_own_on_a_terminal() {
        let (mut writer, _, err) = memory(Speech::default());
        writer.shared = true;
        writer.program(OutputStream::Stderr, b"name? ").unwrap();
        writer.say("a");
        writer.say("b");
        assert_eq!(err.text(), "name? \nrunlog: a\nrunlog: b\n");
    }

    #[test]
    fn quiet_and_json_keep_words_back_but_not_failures() {
        let quiet = Speech {
            quiet: true,
            ..Speech::default()
        };
        let (mut writer, _, err) = memory(quiet);
        writer.say("a");
        writer.fail(&Failure::Usage("b".to_owned()));
        assert_eq!(err.text(), "runlog: b\n");

        let json = Speech {
            json: true,
            ..Speech::default()
        };
        let (mut writer, _, err) = memory(json);
        writer.say("a");
        writer.fail(&Failure::Usage("b".to_owned()));
        let value: serde_json::Value = serde_json::from_str(&err.text()).unwrap();
        assert_eq!(value["error"]["code"], "usage");
    }

    #[test]
    fn control_characters_of_others_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mé\n"), "a\\u{1b}[31mé\\n");
    }
}

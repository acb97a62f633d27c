//! One who takes part in an execution: what happened in, what to do next out. No I/O.

use runlog_schemas::api::{Status, ViewerMessage, ViewerRequest};
use runlog_schemas::{ChunkKind, Phase, TerminalSize};

use super::feed::{Feed, Forgotten};

/// Ctrl+], typed on a raw terminal: the way out of a program that ignores Ctrl+C.
const ESCAPE: u8 = 0x1d;

/// What happened.
#[derive(Debug)]
pub(super) enum Happened {
    /// The edge said something.
    Message(ViewerMessage),
    /// Our standard input delivered something.
    Typed(Vec<u8>),
    /// Our standard input ended.
    InputEnded,
    /// Our terminal has another size.
    Resized(TerminalSize),
    /// SIGINT.
    Interrupted,
    /// SIGTERM or SIGHUP.
    Terminated,
    /// Some time has passed.
    Tick,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Wait,
    /// Send a request.
    Send(ViewerRequest),
    /// End the execution, and go on watching until it has.
    Cancel(&'static str),
    /// Leave at once.
    Leave,
}

/// One who takes part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) feed: Feed,
    /// Our terminal is the program's.
    raw: bool,
    /// The program runs, so that it can be sent signals.
    running: bool,
    /// How often we were asked to end.
    asked: u32,
}

impl Part {
    pub(super) fn new(feed: Feed, raw: bool) -> Self {
        Self {
            feed,
            raw,
            running: false,
            asked: 0,
        }
    }

    pub(super) fn on(&mut self, happened: &Happened, connection: u64) -> Next {
        match happened {
            Happened::Message(message) => self.on_message(message),
            Happened::Typed(bytes) if self.raw && bytes.contains(&ESCAPE) => {
                Next::Cancel("Ctrl+]: asked to end")
            }
            Happened::Typed(bytes) => {
                self.feed.push(bytes);
                Next::Wait
            }
            Happened::InputEnded => {
                self.feed.end();
                Next::Wait
            }
            Happened::Resized(TerminalSize { columns, rows }) if self.running => {
                let (columns, rows) = (*columns, *rows);
                Next::Send(ViewerRequest::Resize { columns, rows })
            }
            Happened::Resized(_) => Next::Wait,
            Happened::Interrupted => self.interrupted(),
            Happened::Terminated => self.terminated(),
            Happened::Tick => {
                self.feed.tick(connection);
                Next::Wait
            }
        }
    }

    fn on_message(&mut self, message: &ViewerMessage) -> Next {
        match message {
            ViewerMessage::Output { batch, .. } => {
                for chunk in &batch.chunks {
                    if chunk.what == (ChunkKind::Phase { phase: Phase::Run }) {
                        self.running = true;
                        self.feed.open();
                    }
                    self.feed.recorded(&chunk.what);
                }
            }
            ViewerMessage::Event {
                execution, name, ..
            } => {
                self.running &= execution.status == Status::Running;
                if name == "started" {
                    self.running = false;
                    if self.feed.restart() == Err(Forgotten) {
                        return Next::Cancel(
                            "another attempt needs its input from the beginning, which is no \
                             longer here: asked to end",
                        );
                    }
                }
            }
            ViewerMessage::Error { code, .. } => self.feed.refused(code),
            ViewerMessage::Resume { .. } => {}
        }
        Next::Wait
    }

    /// The first time the program is told, as a terminal would; it may handle it. The second time
    /// it is ended; the third time we leave.
    fn interrupted(&mut self) -> Next {
        self.asked += 1;
        match self.asked {
            1 if self.running => Next::Send(ViewerRequest::Signal {
                signal: "INT".to_owned(),
            }),
            1 | 2 => Next::Cancel("interrupted: asked to end"),
            _ => Next::Leave,
        }
    }

    fn terminated(&mut self) -> Next {
        self.asked = self.asked.max(1) + 1;
        match self.asked {
            2 => Next::Cancel("terminated: asked to end"),
            _ => Next::Leave,
        }
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Chunk, OutputBatch};

    use super::*;

    fn runs() -> Happened {
        let what = ChunkKind::Phase { phase: Phase::Run };
        let chunk = Chunk {
            number: 0,
            at_us: 0,
            what,
        };
        Happened::Message(ViewerMessage::Output {
            cursor: "1-1-1".to_owned(),
            batch: OutputBatch {
                attempt: 1,
                chunks: vec![chunk],
            },
        })
    }

    #[test]
    fn ctrl_c_goes_to_the_program_then_to_the_execution_then_to_us() {
        let mut part = Part::new(Feed::new(false), false);
        assert_eq!(part.on(&runs(), 1), Next::Wait);
        let signal = ViewerRequest::Signal {
            signal: "INT".to_owned(),
        };
        assert_eq!(part.on(&Happened::Interrupted, 1), Next::Send(signal));
        assert!(matches!(
            part.on(&Happened::Interrupted, 1),
            Next::Cancel(_)
        ));
        assert_eq!(part.on(&Happened::Interrupted, 1), Next::Leave);
    }

    #[test]
    fn before_the_program_runs_ctrl_c_ends_the_execution() {
        let mut part = Part::new(Feed::new(false), false);
        assert!(matches!(
            part.on(&Happened::Interrupted, 1),
            Next::Cancel(_)
        ));
    }

    #[test]
    fn a_raw_terminal_has_a_way_out_and_a_pipe_may_carry_any_byte() {
        let typed = Happened::Typed(vec![b'a', ESCAPE]);
        let mut raw = Part::new(Feed::new(true), true);
        assert!(matches!(raw.on(&typed, 1), Next::Cancel(_)));
        let mut pipe = Part::new(Feed::new(false), false);
        assert_eq!(pipe.on(&typed, 1), Next::Wait);
        pipe.on(&runs(), 1);
        let data = runlog_schemas::Data(vec![b'a', ESCAPE]);
        assert_eq!(pipe.feed.next(1), Some(ViewerRequest::Stdin { data }));
    }

    #[test]
    fn a_size_is_sent_once_there_is_a_terminal() {
        let size = TerminalSize {
            columns: 80,
            rows: 24,
        };
        let mut part = Part::new(Feed::new(true), true);
        assert_eq!(part.on(&Happened::Resized(size), 1), Next::Wait);
        part.on(&runs(), 1);
        let resize = ViewerRequest::Resize {
            columns: 80,
            rows: 24,
        };
        assert_eq!(part.on(&Happened::Resized(size), 1), Next::Send(resize));
    }
}

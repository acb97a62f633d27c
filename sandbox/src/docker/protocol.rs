//! What the worker and a container's init say to each other, over the container's standard
//! streams.
//!
//! ```text
//! worker ─ Go, Input, Eof, Resize, Signal, Kill ─▶ init
//!        ◀─ Ready, Started | Failed, Output, Taken, Over ─
//! ```
//!
//! Input is sent on credit: no more than [`CREDIT`] bytes that init has not reported as taken, so
//! that init always reads on and what must overtake input does.

use std::io;
use std::time::Duration;

use bytes::Bytes;

use crate::native::protocol::{Go, Over};
use crate::native::wire::{Failure, Reader, Writer, malformed};
use crate::{OutputStream, WindowSize};

/// Bytes of input that may be on the way.
pub(super) const CREDIT: usize = 128 << 10;

mod kind {
    pub(super) const GO: u8 = 1;
    pub(super) const INPUT: u8 = 2;
    pub(super) const EOF: u8 = 3;
    pub(super) const RESIZE: u8 = 4;
    pub(super) const SIGNAL: u8 = 5;
    pub(super) const KILL: u8 = 6;
    pub(super) const READY: u8 = 64;
    pub(super) const STARTED: u8 = 65;
    pub(super) const FAILED: u8 = 66;
    pub(super) const OUTPUT: u8 = 67;
    pub(super) const TAKEN: u8 = 68;
    pub(super) const OVER: u8 = 69;
}

/// What the worker wants.
pub(super) enum Request {
    /// Start a step. Its processes are limited here where the kernel's groups cannot.
    Go {
        go: Go,
        processes: Option<u32>,
    },
    Input(Bytes),
    Eof,
    Resize(WindowSize),
    Signal {
        signal: i32,
        to_foreground: bool,
    },
    Kill,
}

impl Request {
    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Self::Go { go, processes } => Writer::new(kind::GO)
                .u32(processes.unwrap_or(0))
                .bytes(&go.write())
                .finish(),
            Self::Input(bytes) => Writer::new(kind::INPUT).bytes(bytes).finish(),
            Self::Eof => vec![kind::EOF],
            Self::Resize(size) => Writer::new(kind::RESIZE)
                .u32(size.columns.into())
                .u32(size.rows.into())
                .finish(),
            Self::Signal {
                signal,
                to_foreground,
            } => Writer::new(kind::SIGNAL)
                .i32(*signal)
                .u32((*to_foreground).into())
                .finish(),
            Self::Kill => vec![kind::KILL],
        }
    }

    pub(super) fn read(message: &[u8]) -> io::Result<Self> {
        let (kind, mut reader) = Reader::new(message)?;
        Ok(match kind {
            kind::GO => {
                let processes = Some(reader.u32()?).filter(|most| *most > 0);
                let (_, mut go) = Reader::new(reader.bytes()?)?;
                let go = Go::read(&mut go)?;
                Self::Go { go, processes }
            }
            kind::INPUT => Self::Input(Bytes::copy_from_slice(reader.bytes()?)),
            kind::EOF => Self::Eof,
            kind::RESIZE => {
                let mut side = || u16::try_from(reader.u32()?).map_err(|_| malformed());
                Self::Resize(WindowSize {
                    columns: side()?,
                    rows: side()?,
                })
            }
            kind::SIGNAL => Self::Signal {
                signal: reader.i32()?,
                to_foreground: reader.u32()? != 0,
            },
            kind::KILL => Self::Kill,
            _ => return Err(malformed()),
        })
    }
}

/// What init has to say.
pub(super) enum Report {
    /// It waits for a step.
    Ready,
    /// The step's program runs.
    Started,
    /// The step did not start, or init cannot go on.
    Failed(Failure),
    /// The program wrote.
    Output {
        stream: OutputStream,
        since_start: Duration,
        bytes: Bytes,
    },
    /// So many bytes of input are no longer on the way.
    Taken(u32),
    /// Everything of the step is dead, and all that it wrote was sent before this.
    Over { over: Over, wall: Duration },
}

impl Report {
    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Self::Ready => vec![kind::READY],
            Self::Started => vec![kind::STARTED],
            Self::Failed(failure) => failure.write(kind::FAILED),
            Self::Output {
                stream,
                since_start,
                bytes,
            } => Writer::new(kind::OUTPUT)
                .u32((*stream == OutputStream::Stderr).into())
                .u64(nanos(*since_start))
                .bytes(bytes)
                .finish(),
            Self::Taken(bytes) => Writer::new(kind::TAKEN).u32(*bytes).finish(),
            Self::Over { over, wall } => Writer::new(kind::OVER)
                .u64(nanos(*wall))
                .bytes(&over.write())
                .finish(),
        }
    }

    pub(super) fn read(message: &[u8]) -> io::Result<Self> {
        let (kind, mut reader) = Reader::new(message)?;
        Ok(match kind {
            kind::READY => Self::Ready,
            kind::STARTED => Self::Started,
            kind::FAILED => Self::Failed(Failure::read(&mut reader)?),
            kind::OUTPUT => {
                let stream = match reader.u32()? {
                    0 => OutputStream::Stdout,
                    1 => OutputStream::Stderr,
                    _ => return Err(malformed()),
                };
                Self::Output {
                    stream,
                    since_start: Duration::from_nanos(reader.u64()?),
                    bytes: Bytes::copy_from_slice(reader.bytes()?),
                }
            }
            kind::TAKEN => Self::Taken(reader.u32()?),
            kind::OVER => {
                let wall = Duration::from_nanos(reader.u64()?);
                let (_, mut over) = Reader::new(reader.bytes()?)?;
                let over = Over::read(&mut over)?;
                Self::Over { over, wall }
            }
            _ => return Err(malformed()),
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reports_are_read_as_they_were_written() {
        let over = Over {
            status: 9,
            context_switches: 1,
            read_bytes: 2,
            written_bytes: 3,
        };
        let wall = Duration::from_nanos(5);
        match Report::read(&Report::Over { over, wall }.write()).unwrap() {
            Report::Over { over, wall } => {
                assert_eq!(
                    (over.status, over.written_bytes, wall.as_nanos()),
                    (9, 3, 5)
                );
            }
            _ => panic!("another report"),
        }
        let output = Report::Output {
            stream: OutputStream::Stderr,
            since_start: wall,
            bytes: Bytes::from_static(b"\0x"),
        };
        match Report::read(&output.write()).unwrap() {
            Report::Output { stream, bytes, .. } => {
                assert_eq!((stream, &bytes[..]), (OutputStream::Stderr, &b"\0x"[..]));
            }
            _ => panic!("another report"),
        }
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let signal = Request::Signal {
            signal: 15,
            to_foreground: true,
        };
        let read = Request::read(&signal.write()).unwrap();
        assert!(matches!(
            read,
            Request::Signal {
                signal: 15,
                to_foreground: true
            }
        ));
        let size = WindowSize {
            columns: 3,
            rows: 4,
        };
        let read = Request::read(&Request::Resize(size).write()).unwrap();
        assert!(matches!(read, Request::Resize(read) if read == size));
    }

    proptest! {
        #[test]
        fn nonsense_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Report::read(&bytes);
            let _ = Request::read(&bytes);
        }
    }
}

//! What worker, spawner, init and step say to each other.
//!
//! ```text
//! worker ─ Setup, Make ──────────────▶ spawner   Ready | Failed, Made + pidfd | Failed
//! worker ─ Prime + step, Signal, Discard ▶ init  Isolated + working directory, Over | Failed
//! worker ─ Promote ──────────────────▶ init      Ready | Failed
//! worker ─ Go + stdin, stdout, stderr ▶ step     Ready, Terminal + master, closed by exec | Failed
//! worker ─ Go ───────────────────────▶ herald    Ready, closed once its runtime was told | Failed
//! ```

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::config::Mount;
use super::wire::{Failure, Reader, Writer, malformed};
use crate::{CellFile, Terminal, WindowSize};

/// The kinds of messages, in both directions.
pub(crate) mod kind {
    pub(in super::super) const SETUP: u8 = 1;
    pub(in super::super) const MAKE: u8 = 2;
    pub(in super::super) const PRIME: u8 = 3;
    pub(in super::super) const DISCARD: u8 = 4;
    pub(crate) const SIGNAL: u8 = 5;
    pub(crate) const GO: u8 = 6;
    pub(in super::super) const PROMOTE: u8 = 7;
    pub(crate) const READY: u8 = 64;
    pub(crate) const FAILED: u8 = 65;
    pub(in super::super) const MADE: u8 = 66;
    pub(in super::super) const ISOLATED: u8 = 67;
    pub(crate) const OVER: u8 = 69;
    pub(in super::super) const TERMINAL: u8 = 70;
}

/// What every cell of a spawner sees.
pub(super) struct Setup {
    pub(super) mounts: Vec<Mount>,
    pub(super) etc: Vec<String>,
    /// Files of the root itself.
    pub(super) files: Vec<(PathBuf, Bytes)>,
    /// What the spawner becomes before it makes cells.
    pub(super) host: Option<Runtime>,
    #[cfg(feature = "weaken")]
    pub(super) weaken: u32,
}

/// A command with its environment.
pub(super) struct Runtime {
    pub(super) argv: Vec<CString>,
    pub(super) env: Vec<CString>,
}

impl Runtime {
    fn write(&self, writer: Writer) -> Writer {
        let string = |writer: Writer, text: &CString| writer.bytes(text.as_bytes());
        writer.list(&self.argv, string).list(&self.env, string)
    }

    fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let (argv, env) = (reader.list(c_string)?, reader.list(c_string)?);
        Ok(Self { argv, env })
    }
}

/// Whether there is one, and then itself.
fn write_runtime(writer: Writer, runtime: Option<&Runtime>) -> Writer {
    match runtime {
        Some(runtime) => runtime.write(writer.u32(1)),
        None => writer.u32(0),
    }
}

fn read_runtime(reader: &mut Reader<'_>) -> io::Result<Option<Runtime>> {
    match reader.u32()? {
        0 => Ok(None),
        _ => Runtime::read(reader).map(Some),
    }
}

impl Setup {
    pub(super) fn write(&self) -> Vec<u8> {
        let writer = Writer::new(kind::SETUP)
            .list(&self.mounts, |writer, mount| {
                writer
                    .bytes(path_bytes(&mount.host))
                    .bytes(path_bytes(&mount.inside))
            })
            .list(&self.etc, |writer, name| writer.bytes(name.as_bytes()))
            .list(&self.files, |writer, (path, content)| {
                writer.bytes(path_bytes(path)).bytes(content)
            });
        let writer = write_runtime(writer, self.host.as_ref());
        #[cfg(feature = "weaken")]
        let writer = writer.u32(self.weaken);
        writer.finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let mounts = reader.list(|reader| {
            Ok(Mount {
                host: path(reader.bytes()?),
                inside: path(reader.bytes()?),
            })
        })?;
        let etc = reader.list(text)?;
        let files = reader.list(|reader| {
            let path = path(reader.bytes()?);
            Ok((path, Bytes::copy_from_slice(reader.bytes()?)))
        })?;
        let host = read_runtime(reader)?;
        Ok(Self {
            mounts,
            etc,
            files,
            host,
            #[cfg(feature = "weaken")]
            weaken: reader.u32()?,
        })
    }
}

/// A cell that the spawner shall make. With it come the init's end of its channel and, if
/// `has_unified`, the folders of its v2 control group and of the one for its steps; then the
/// ways into its v1 groups.
pub(super) struct Make {
    /// The host's uid and gid of the cell's root; the program's are the next ones.
    pub(super) uid: u32,
    pub(super) disk_bytes: u64,
    pub(super) inodes: u64,
    pub(super) has_unified: bool,
}

impl Make {
    pub(super) fn write(&self) -> Vec<u8> {
        Writer::new(kind::MAKE)
            .u32(self.uid)
            .u64(self.disk_bytes)
            .u64(self.inodes)
            .u32(self.has_unified.into())
            .finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        Ok(Self {
            uid: reader.u32()?,
            disk_bytes: reader.u64()?,
            inodes: reader.u64()?,
            has_unified: reader.u32()? != 0,
        })
    }
}

/// A process that init shall keep ready for the next step. With it come its end of the channel;
/// for a runtime its standard streams; and a control group for steps, if there is a new one.
pub(super) struct Prime {
    /// What is started already, if anything is.
    pub(super) runtime: Option<Runtime>,
    /// Whether it is for the step after the next: it outlives that one.
    pub(super) is_later: bool,
}

impl Prime {
    pub(super) fn write(&self) -> Vec<u8> {
        write_runtime(Writer::new(kind::PRIME), self.runtime.as_ref())
            .u32(self.is_later.into())
            .finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let runtime = read_runtime(reader)?;
        let is_later = reader.u32()? != 0;
        Ok(Self { runtime, is_later })
    }
}

/// Ends what is primed; the runtime for a later step too, if so.
pub(super) fn write_discard(all: bool) -> Vec<u8> {
    Writer::new(kind::DISCARD).u32(all.into()).finish()
}

/// The program that a primed step shall become.
pub(crate) struct Go {
    /// Written into the working directory first.
    pub(crate) files: Vec<CellFile>,
    pub(crate) argv: Vec<CString>,
    /// What a warm runtime does instead of becoming `argv`.
    pub(crate) words: Option<Vec<CString>>,
    pub(crate) env: Vec<CString>,
    pub(crate) file_bytes: u64,
    pub(crate) terminal: Option<Terminal>,
}

impl Go {
    pub(crate) fn write(&self) -> Vec<u8> {
        let strings = |writer: Writer, text: &CString| writer.bytes(text.as_bytes());
        let size = self
            .terminal
            .map_or((0, 0), |t| (t.size.columns, t.size.rows));
        Writer::new(kind::GO)
            .list(&self.files, |writer, file| {
                writer
                    .bytes(file.name.as_bytes())
                    .u32(file.mode)
                    .bytes(&file.content)
            })
            .list(&self.argv, strings)
            .u32(self.words.is_some().into())
            .list(self.words.as_deref().unwrap_or_default(), strings)
            .list(&self.env, strings)
            .u64(self.file_bytes)
            .u32(self.terminal.is_some().into())
            .u32(size.0.into())
            .u32(size.1.into())
            .finish()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let files = reader.list(|reader| {
            Ok(CellFile {
                name: text(reader)?,
                mode: reader.u32()?,
                content: Bytes::copy_from_slice(reader.bytes()?),
            })
        })?;
        let argv = reader.list(c_string)?;
        let has_words = reader.u32()? != 0;
        let (words, env) = (reader.list(c_string)?, reader.list(c_string)?);
        let (file_bytes, has_terminal) = (reader.u64()?, reader.u32()? != 0);
        let mut side = || u16::try_from(reader.u32()?).map_err(|_| malformed());
        let size = WindowSize {
            columns: side()?,
            rows: side()?,
        };
        let terminal = has_terminal.then_some(Terminal { size });
        Ok(Self {
            files,
            argv,
            words: has_words.then_some(words),
            env,
            file_bytes,
            terminal,
        })
    }
}

/// What is left to say of a step once all its processes are dead.
pub(crate) struct Over {
    /// How the main process ended, as `wait4` reports it.
    pub(crate) status: i32,
    pub(crate) context_switches: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
}

impl Over {
    pub(crate) fn write(&self) -> Vec<u8> {
        Writer::new(kind::OVER)
            .i32(self.status)
            .u64(self.context_switches)
            .u64(self.read_bytes)
            .u64(self.written_bytes)
            .finish()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        Ok(Self {
            status: reader.i32()?,
            context_switches: reader.u64()?,
            read_bytes: reader.u64()?,
            written_bytes: reader.u64()?,
        })
    }
}

/// A signal for the main process, or for the terminal's foreground group.
pub(crate) fn write_signal(signal: i32, to_foreground: bool) -> Vec<u8> {
    Writer::new(kind::SIGNAL)
        .i32(signal)
        .u32(to_foreground.into())
        .finish()
}

/// Expects one kind of answer; [`kind::FAILED`] becomes the error that it carries.
pub(crate) fn expect(message: &[u8], expected: u8) -> Result<Reader<'_>, Failure> {
    let broken = |error: io::Error| Failure::new("reading an answer", &error);
    let (kind, mut reader) = Reader::new(message).map_err(broken)?;
    match kind {
        kind::FAILED => Err(Failure::read(&mut reader).unwrap_or_else(broken)),
        kind if kind == expected => Ok(reader),
        _ => Err(broken(malformed())),
    }
}

fn c_string(reader: &mut Reader<'_>) -> io::Result<CString> {
    CString::new(reader.bytes()?).map_err(|_| malformed())
}

fn text(reader: &mut Reader<'_>) -> io::Result<String> {
    String::from_utf8(reader.bytes()?.to_vec()).map_err(|_| malformed())
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

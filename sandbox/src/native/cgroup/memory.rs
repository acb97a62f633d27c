//! The memory of one cell.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::EventfdFlags;
use rustix::fs::inotify;

use super::gauge::Gauge;
use super::{Version, write};

/// What is left for a step that starts with its limit used up already by what an earlier step
/// wrote to the cell's disk: enough to start, so that it ends at its limit and not in an error.
const LEAST_ROOM: u64 = 1 << 20;

/// What the sockets of a cell may hold in transit, where that is not part of its memory.
const SOCKET_BYTES: u64 = 16 << 20;

/// What may be charged still to a group that is used again: less than a program's peak is told with.
const LEFT_BYTES: u64 = 512 << 10;

/// A limit of an ended cell's that leaves the next one room to be made under it.
const ROOM_BYTES: u64 = 64 << 20;

/// Limits and counts memory.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
    version: Version,
    limit: u64,
    used: Gauge,
    most: Gauge,
    kills: Gauge,
    /// Has the kernel tell when the limit was reached, as long as this lives.
    events: Option<OwnedFd>,
    /// v2 resets the peak per open file, where it can at all.
    peak: Option<File>,
}

impl Memory {
    pub(crate) fn new(folder: PathBuf, version: Version) -> Self {
        let (used, most, kills) = match version {
            Version::One => (
                "memory.usage_in_bytes",
                "memory.max_usage_in_bytes",
                "memory.oom_control",
            ),
            Version::Two => ("memory.current", "memory.peak", "memory.events"),
        };
        Self {
            used: Gauge::new(folder.join(used)),
            most: Gauge::new(folder.join(most)),
            kills: Gauge::new(folder.join(kills)),
            folder,
            version,
            limit: u64::MAX,
            events: None,
            peak: None,
        }
    }

    /// Of a group that has a limit already.
    pub(crate) fn limited_to(self, bytes: u64) -> Self {
        Self {
            limit: bytes,
            ..self
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// v1 counts the buffers of network sockets apart, and not at all without this.
    pub(crate) fn limit_sockets(&self) -> io::Result<()> {
        match self.version {
            Version::One => optional(write(
                &self.folder.join("memory.kmem.tcp.limit_in_bytes"),
                SOCKET_BYTES,
            )),
            Version::Two => Ok(()),
        }
    }

    /// What is charged now.
    pub(crate) fn used(&self) -> io::Result<u64> {
        self.used.number()
    }

    /// Makes it as new, but for a limit that is wide; `false` where it is not. In v2 the peak is that of a group's whole life
    /// before Linux 6.12, and a group costs less to make.
    pub(super) fn renew(&mut self) -> io::Result<bool> {
        if self.version == Version::Two || self.used()? > LEFT_BYTES || self.kills()? > 0 {
            return Ok(false);
        }
        if self.limit < ROOM_BYTES {
            self.lift()?;
        }
        Ok(true)
    }

    /// Takes the limit away again.
    pub(super) fn lift(&mut self) -> io::Result<()> {
        if self.version == Version::One && self.limit != u64::MAX {
            self.write_one(u64::MAX)?;
            self.limit = u64::MAX;
        }
        Ok(())
    }

    /// Sets the limit for memory and for memory with swap to the same.
    pub(crate) fn set_limit(&mut self, bytes: u64) -> io::Result<()> {
        if bytes == self.limit {
            return Ok(());
        }
        let bytes = match self.version {
            Version::One => match self.write_one(bytes) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                    let enough = self.used()?.saturating_add(LEAST_ROOM);
                    self.write_one(enough)?;
                    enough
                }
                other => other.map(|()| bytes)?,
            },
            Version::Two => {
                // Too low a limit would kill at once, init included.
                let bytes = bytes.max(self.used()?.saturating_add(LEAST_ROOM));
                write(&self.folder.join("memory.max"), bytes)?;
                optional(write(&self.folder.join("memory.swap.max"), 0))?;
                bytes
            }
        };
        self.limit = bytes;
        Ok(())
    }

    /// The limit with swap may never be the lower one, so the order depends on the direction.
    fn write_one(&self, bytes: u64) -> io::Result<()> {
        let memory = || write(&self.folder.join("memory.limit_in_bytes"), bytes);
        let swap = || {
            optional(write(
                &self.folder.join("memory.memsw.limit_in_bytes"),
                bytes,
            ))
        };
        if bytes > self.limit {
            swap().and_then(|()| memory())
        } else {
            memory().and_then(|()| swap())
        }
    }

    /// Starts counting the peak from what is used now.
    pub(crate) fn reset_peak(&mut self) -> io::Result<()> {
        match self.version {
            Version::One => write(self.most.path(), 0),
            Version::Two => {
                let path = self.folder.join("memory.peak");
                let opened = File::options().read(true).write(true).open(path);
                // Before Linux 6.12 it cannot be reset, and before 5.19 it is not there.
                self.peak = opened.ok().and_then(|mut file| {
                    file.write_all(b"0").ok()?;
                    Some(file)
                });
                Ok(())
            }
        }
    }

    /// The most that was charged at once.
    pub(crate) fn peak(&mut self) -> io::Result<u64> {
        if let Some(file) = &mut self.peak {
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            return super::parse(text.trim());
        }
        match self.most.number() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.used(),
            other => other,
        }
    }

    /// How often the kernel killed a process because the limit was reached.
    pub(crate) fn kills(&self) -> io::Result<u64> {
        self.kills.fields(["oom_kill"]).map(|[kills]| kills)
    }

    /// A descriptor that becomes readable when the limit was reached.
    pub(crate) fn events(&mut self) -> io::Result<OwnedFd> {
        if let Some(events) = &self.events {
            return events.try_clone();
        }
        let events = self.watch()?;
        self.events = Some(events.try_clone()?);
        Ok(events)
    }

    fn watch(&self) -> io::Result<OwnedFd> {
        match self.version {
            Version::One => {
                let event = rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?;
                let control = File::open(self.kills.path())?;
                let request = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
                write(&self.folder.join("cgroup.event_control"), request)?;
                Ok(event)
            }
            Version::Two => {
                let watcher = inotify::init(inotify::CreateFlags::CLOEXEC)?;
                inotify::add_watch(&watcher, self.kills.path(), inotify::WatchFlags::MODIFY)?;
                Ok(watcher)
            }
        }
    }
}

/// Not every kernel counts swap.
fn optional(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

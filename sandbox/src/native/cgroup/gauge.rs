//! A control file that is read again and again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The longest that one is; all are a few lines.
const MOST_BYTES: usize = 4096;

/// Stays open, as the kernel takes longer to find a control file than to read it.
#[derive(Debug)]
pub(super) struct Gauge {
    path: PathBuf,
    file: OnceLock<File>,
}

impl Gauge {
    /// Opens it when it is first read.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: OnceLock::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self) -> io::Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = File::open(&self.path)?;
        Ok(self.file.get_or_init(|| file))
    }

    fn read<T>(&self, take: impl FnOnce(&str) -> io::Result<T>) -> io::Result<T> {
        let mut buffer = [0; MOST_BYTES];
        let length = self.file()?.read_at(&mut buffer, 0)?;
        let text = std::str::from_utf8(&buffer[..length]);
        take(text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?)
    }

    /// The number that it holds.
    pub(super) fn number(&self) -> io::Result<u64> {
        self.read(|text| super::parse(text.trim()))
    }

    /// Numbers among several, in lines `name number`; what has no line is 0.
    pub(super) fn fields<const N: usize>(&self, names: [&str; N]) -> io::Result<[u64; N]> {
        self.read(|text| {
            let mut found = [0; N];
            for (name, found) in names.iter().zip(&mut found) {
                *found = super::field_of(text, name)?;
            }
            Ok(found)
        })
    }
}

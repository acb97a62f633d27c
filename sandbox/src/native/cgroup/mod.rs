//! Control groups: what limits, counts and kills a cell as a whole.
//!
//! Each resource is driven through the version of the hierarchy that has it: memory and
//! processes through v2 where it has these controllers, else through v1; killing and CPU time
//! through v2 wherever it is mounted, even without controllers. Everything here is a few small
//! files, so no call waits; only [`Tree::take_back`] may take milliseconds.

mod gauge;
mod group;
mod memory;
mod spare;
mod tree;
mod unified;

#[cfg(test)]
mod spare_tests;
#[cfg(test)]
mod tests;

pub(crate) use group::{Group, Weight};
pub(crate) use memory::Memory;
pub(crate) use tree::{Owner, Tree};
pub(crate) use unified::CpuTime;

use std::fs;
use std::io;
use std::path::Path;

/// Which of the kernel's two interfaces a folder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// Writes to a control file, which must exist.
pub(crate) fn write(path: &Path, value: impl ToString) -> io::Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)?;
    file.write_all(value.to_string().as_bytes())
}

/// Reads a number from a control file; `max` is the largest.
pub(crate) fn number(path: &Path) -> io::Result<u64> {
    parse(fs::read_to_string(path)?.trim())
}

/// Reads a number from a control file of lines `name number`.
pub(crate) fn field(path: &Path, name: &str) -> io::Result<u64> {
    field_of(&fs::read_to_string(path)?, name)
}

fn field_of(text: &str, name: &str) -> io::Result<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(found, _)| *found == name);
    found.map_or(Ok(0), |(_, value)| parse(value.trim()))
}

fn parse(text: &str) -> io::Result<u64> {
    if text == "max" {
        return Ok(u64::MAX);
    }
    text.parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a number"))
}

//! Files for the working directory, written inside the cell, so that they count as its own.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::process::{Gid, Uid};

use super::super::wire::{Doing, Failure, Reader};
use super::PROGRAM;

/// Writes all files of a request. An earlier step may have left anything in the folder: what
/// has the name of a file goes away first, and no link is followed.
pub(super) fn files(folder: &OwnedFd, request: &mut Reader<'_>) -> Result<(), Failure> {
    let what = "reading a request";
    let files = request
        .list(|reader| Ok((reader.bytes()?, reader.bytes()?)))
        .doing(what)?;
    for (name, content) in files {
        let shown = String::from_utf8_lossy(name);
        write(folder, name, content).doing(&format!("putting {shown} into the cell"))?;
    }
    Ok(())
}

fn write(folder: &OwnedFd, name: &[u8], content: &[u8]) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let file = rustix::fs::openat2(
        folder,
        name,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::from_raw_mode(0o755),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )?;
    let mut rest = content;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = &rest[written..];
    }
    rustix::fs::fchown(
        &file,
        Some(Uid::from_raw(PROGRAM)),
        Some(Gid::from_raw(PROGRAM)),
    )?;
    Ok(())
}

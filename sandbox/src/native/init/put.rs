//! Files for the working directory, written by the process that becomes the program: inside
//! the cell, so that they count as its own, and with no more rights than it has.

use std::io;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};

use super::super::wire::{Doing, Failure};
use crate::CellFile;

/// What the process's umask takes from the mode of a new file.
pub(crate) const UMASK: Mode = Mode::WGRP.union(Mode::WOTH);

/// Writes files into the current directory. An earlier step may have left anything there: what
/// has the name of a file goes away first, and no link is followed.
pub(crate) fn files(files: &[CellFile]) -> Result<(), Failure> {
    for file in files {
        write(file).doing(&format!("putting {} into the cell", file.name))?;
    }
    Ok(())
}

fn write(file: &CellFile) -> io::Result<()> {
    for (end, _) in file.name.match_indices('/') {
        match rustix::fs::mkdirat(CWD, &file.name[..end], Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match rustix::fs::unlinkat(CWD, &file.name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let mode = Mode::from_raw_mode(file.mode & 0o777);
    let open = rustix::fs::openat2(
        CWD,
        &file.name,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        mode,
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )?;
    if mode.intersects(UMASK) {
        rustix::fs::fchmod(&open, mode)?;
    }
    let mut rest = &file.content[..];
    while !rest.is_empty() {
        let written = rustix::io::write(&open, rest)?;
        rest = &rest[written..];
    }
    Ok(())
}

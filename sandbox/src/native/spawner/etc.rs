//! The cells' `/etc`: what we write ourselves, and copies of what toolchains read.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::super::weaken::{self, Weakening};

/// Written by us; the same in every cell, telling nothing of the host.
const OURS: &[(&str, &str)] = &[
    (
        "passwd",
        "root:x:0:0:root:/:/usr/sbin/nologin\n\
         runner:x:1000:1000:runner:/box:/bin/bash\n\
         nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    ),
    ("group", "root:x:0:\nrunner:x:1000:\nnogroup:x:65534:\n"),
    ("hostname", "runlog\n"),
    ("hosts", "127.0.0.1 localhost runlog\n::1 localhost\n"),
    (
        "nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    ),
    ("resolv.conf", ""),
];

/// More than this is no configuration.
const LONGEST: u64 = 4 << 20;

/// Something of the host's `/etc`, with its path in there.
pub(super) enum Copy {
    Folder(PathBuf),
    File(PathBuf, Vec<u8>),
    Link(PathBuf, PathBuf),
}

/// Reads what of the names is there and readable by everybody.
pub(super) fn read(names: &[String]) -> Vec<Copy> {
    let mut copies = Vec::new();
    // Several languages may ask for the same.
    for name in names.iter().collect::<BTreeSet<_>>() {
        collect(Path::new("/etc"), Path::new(name), &mut copies);
    }
    copies
}

fn collect(etc: &Path, name: &Path, copies: &mut Vec<Copy>) {
    let path = etc.join(name);
    let Ok(found) = fs::symlink_metadata(&path) else {
        return;
    };
    let for_everybody = found.permissions().mode() & 0o004 != 0;
    if found.is_symlink() {
        copies.extend(fs::read_link(&path).map(|target| Copy::Link(name.to_owned(), target)));
    } else if found.is_dir() && for_everybody {
        copies.push(Copy::Folder(name.to_owned()));
        for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
            collect(etc, &name.join(entry.file_name()), copies);
        }
    } else if found.is_file() && for_everybody && found.len() <= LONGEST {
        copies.extend(fs::read(&path).map(|content| Copy::File(name.to_owned(), content)));
    }
}

/// Writes our own files and the copies into a new `/etc`.
pub(super) fn write(etc: &Path, copies: &[Copy]) -> io::Result<()> {
    for (name, content) in OURS {
        write_file(&etc.join(name), content.as_bytes())?;
    }
    if weaken::is(Weakening::HostEtc) {
        fs::copy("/etc/passwd", etc.join("passwd"))?;
    }
    symlink("../usr/lib/os-release", etc.join("os-release"))?;
    for copy in copies {
        let (Copy::Folder(name) | Copy::File(name, _) | Copy::Link(name, _)) = copy;
        let path = etc.join(name);
        fs::create_dir_all(path.parent().unwrap_or(etc))?;
        match copy {
            Copy::Folder(_) => fs::create_dir_all(path)?,
            Copy::File(_, content) => write_file(&path, content)?,
            Copy::Link(_, target) => symlink(target, path)?,
        }
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

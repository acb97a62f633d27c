//! Takes files out of a cell's working directory, once everything in it is dead.
//!
//! What lies there was made by a program and may be a trap: every path is resolved by the kernel
//! beneath the folder, over no link and no mount; what is found is looked at before it is opened
//! for reading, without ever waiting, and only regular files and folders are.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::collect::{Account, plain_path};
use crate::{CellFile, Collect, Collected, LeftReason, pattern};

/// Bits of a mode that are kept: none that gives rights of somebody else.
const PERMISSIONS: u32 = 0o777;

/// Takes what is asked for. Whatever stands in the way is told, never an error.
pub(crate) fn collect(folder: &OwnedFd, wanted: &Collect) -> Collected {
    let mut walk = Walk {
        folder,
        account: Account::new(wanted.limits),
    };
    for asked in &wanted.paths {
        match plain_path(asked) {
            Some(path) => walk.visit(&path),
            None => walk.account.leave(asked, LeftReason::BadPath),
        }
    }
    walk.account.finish()
}

struct Walk<'a> {
    folder: &'a OwnedFd,
    account: Account,
}

impl Walk<'_> {
    /// Takes the file, or all files of the folder, that has a plain path; without one all whose
    /// names fit that.
    fn visit(&mut self, path: &str) {
        match pattern::split(path) {
            Some(split) if self.kind(path) == Err(Errno::NOENT) => self.visit_fitting(path, split),
            _ => self.walk(vec![path.to_owned()]),
        }
    }

    fn visit_fitting(&mut self, asked: &str, (folder, pattern): (&str, &str)) {
        if !(folder.is_empty() || self.account.may_enter(folder)) {
            return self.account.leave(asked, LeftReason::TooDeep);
        }
        let mut waiting = Vec::new();
        self.list(folder, Some(pattern), &mut waiting);
        if waiting.is_empty() {
            self.account.leave(asked, LeftReason::Missing);
        }
        self.walk(waiting);
    }

    /// Takes all of them, the last first.
    fn walk(&mut self, mut waiting: Vec<String>) {
        // Folders whose entries are still to be looked at; a stack instead of recursion, whose
        // depth a program could choose.
        while let Some(path) = waiting.pop() {
            match self.kind(&path) {
                Ok(FileType::RegularFile) => self.take(&path),
                Ok(FileType::Directory) if path.is_empty() || self.account.may_enter(&path) => {
                    self.list(&path, None, &mut waiting);
                }
                Ok(FileType::Directory) => self.account.leave(&path, LeftReason::TooDeep),
                Ok(_) => self.account.leave(&path, LeftReason::NotRegular),
                Err(error) => self.account.leave(&path, reason(error)),
            }
        }
    }

    fn kind(&self, path: &str) -> Result<FileType, Errno> {
        let found = open(self.folder, path, OFlags::PATH)?;
        Ok(kind_of(&rustix::fs::fstat(found)?))
    }

    fn take(&mut self, path: &str) {
        let opened = open(self.folder, path, OFlags::RDONLY)
            .and_then(|file| Ok((rustix::fs::fstat(&file)?, file)));
        let (stat, file) = match opened {
            Ok((stat, file)) if kind_of(&stat) == FileType::RegularFile => (stat, file),
            Ok(_) => return self.account.leave(path, LeftReason::NotRegular),
            Err(error) => return self.account.leave(path, reason(error)),
        };
        let bytes = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if !self.account.admits(path, bytes) {
            return;
        }
        match read(file, bytes) {
            Ok(content) => self.account.take(CellFile {
                name: path.to_owned(),
                mode: stat.st_mode & PERMISSIONS,
                content: content.into(),
            }),
            Err(_) => self.account.leave(path, LeftReason::Unreadable),
        }
    }

    /// Puts the entries of a folder on the stack, or those that fit, the first by name on top.
    fn list(&mut self, path: &str, pattern: Option<&str>, waiting: &mut Vec<String>) {
        let entries = open(self.folder, path, OFlags::RDONLY | OFlags::DIRECTORY)
            .and_then(|folder| Dir::read_from(folder.as_fd()));
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.account.leave(path, reason(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.account.leave(path, reason(error)),
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if !self.account.look() {
                return self.account.leave(path, LeftReason::TooMany);
            }
            let text = String::from_utf8_lossy(name);
            if pattern.is_some_and(|pattern| !pattern::fits(pattern, &text)) {
                continue;
            }
            match std::str::from_utf8(name) {
                Ok(name) => found.push(below(path, name)),
                Err(_) => {
                    let path = below(path, &text);
                    self.account.leave(&path, LeftReason::BadPath);
                }
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        waiting.append(&mut found);
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Opens what has a path below the folder, without following anything and without waiting.
fn open(folder: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { "." } else { path };
    let always = OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let flags = if flags.contains(OFlags::PATH) {
        flags | always
    } else {
        flags | always | OFlags::NONBLOCK | OFlags::NOCTTY
    };
    let beneath = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    rustix::fs::openat2(folder, path, flags, Mode::empty(), beneath)
}

fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Reads what was admitted; a file of another length than it claimed to have is not believed.
fn read(file: OwnedFd, bytes: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = File::from(file).take(bytes).read_to_end(&mut content)?;
    if read as u64 == bytes {
        Ok(content)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn reason(error: Errno) -> LeftReason {
    match error {
        Errno::NOENT | Errno::NOTDIR => LeftReason::Missing,
        // A link, a way out, another file system, a socket.
        Errno::LOOP | Errno::XDEV | Errno::NXIO => LeftReason::NotRegular,
        _ => LeftReason::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;
    use crate::{CollectLimits, Left};

    const ROOMY: CollectLimits = CollectLimits {
        files: 100,
        bytes: 1 << 20,
        depth: 8,
    };

    fn taken(folder: &Path, paths: &[&str], limits: CollectLimits) -> Collected {
        let folder = File::open(folder).unwrap().into();
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        collect(&folder, &Collect { paths, limits })
    }

    fn names(collected: &Collected) -> Vec<&str> {
        collected.files.iter().map(|it| it.name.as_str()).collect()
    }

    fn left(collected: &Collected) -> Vec<(&str, LeftReason)> {
        let of = |it: &Left| it.reason;
        collected
            .left
            .iter()
            .map(|it| (it.path.as_str(), of(it)))
            .collect()
    }

    #[test]
    fn files_come_with_their_modes_in_order() {
        let box_ = tempfile::tempdir().unwrap();
        fs::create_dir_all(box_.path().join("b/c")).unwrap();
        for (name, mode) in [("z", 0o4755), ("a", 0o600), ("b/c/d", 0o640)] {
            let path = box_.path().join(name);
            fs::write(&path, name).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let all = taken(box_.path(), &["."], ROOMY);
        let expected =
            [("a", 0o600), ("b/c/d", 0o640), ("z", 0o755)].map(|(name, mode)| CellFile {
                name: name.to_owned(),
                mode,
                content: name.as_bytes().to_vec().into(),
            });
        assert_eq!((all.files.as_slice(), all.left_count), (&expected[..], 0));
        let some = taken(box_.path(), &["b/", "./z", "z", "nothing", "z/x"], ROOMY);
        assert_eq!(names(&some), ["b/c/d", "z"]);
        let missing = LeftReason::Missing;
        assert_eq!(left(&some), [("nothing", missing), ("z/x", missing)]);
    }

    #[test]
    fn patterns_stand_for_what_fits_them() {
        let box_ = tempfile::tempdir().unwrap();
        fs::create_dir_all(box_.path().join("plots/more.png")).unwrap();
        for name in [
            "b.png",
            "a.png",
            ".c.png",
            "x.txt",
            "plots/1.png",
            "plots/more.png/2",
        ] {
            fs::write(box_.path().join(name), name).unwrap();
        }
        symlink("/etc/passwd", box_.path().join("trap.png")).unwrap();
        let some = taken(box_.path(), &["*.png", "?.txt", "a.png"], ROOMY);
        assert_eq!(names(&some), ["a.png", "b.png", "x.txt"]);
        assert_eq!(left(&some), [("trap.png", LeftReason::NotRegular)]);
        let below = taken(box_.path(), &["./plots/*.png"], ROOMY);
        assert_eq!(names(&below), ["plots/1.png", "plots/more.png/2"]);
        // Folders are named; only what is in one is found by a pattern.
        let none = taken(
            box_.path(),
            &["*.gif", "p*/1.png", "../*", "trap.png/*"],
            ROOMY,
        );
        assert_eq!(names(&none), [""; 0]);
        let missing = LeftReason::Missing;
        assert_eq!(
            left(&none)[..3],
            [
                ("*.gif", missing),
                ("p*/1.png", missing),
                ("../*", LeftReason::BadPath)
            ]
        );
        let few = CollectLimits {
            files: 1,
            depth: 0,
            ..ROOMY
        };
        let one = taken(box_.path(), &["*.png", "plots/*"], few);
        assert_eq!(names(&one), ["a.png"]);
        // What has that very name is meant.
        fs::write(box_.path().join("*.png"), "star").unwrap();
        assert_eq!(names(&taken(box_.path(), &["*.png"], ROOMY)), ["*.png"]);
    }

    #[test]
    fn traps_are_left() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let box_ = tempfile::tempdir().unwrap();
        let at = |name: &str| box_.path().join(name);
        symlink(outside.path().join("secret"), at("link")).unwrap();
        symlink(outside.path(), at("folder")).unwrap();
        symlink("/proc/self/environ", at("magic")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let bad = LeftReason::BadPath;
        let no = LeftReason::NotRegular;
        let all = taken(box_.path(), &["."], ROOMY);
        assert_eq!(names(&all), [""; 0]);
        let met = ["folder", "link", "magic", "pipe", "socket"].map(|name| (name, no));
        assert_eq!(left(&all), met);
        let out = format!("{}/secret", outside.path().display());
        let asked = ["folder/secret", "../secret", &out, "", "x/../../y"];
        let some = taken(box_.path(), &asked, ROOMY);
        assert_eq!(names(&some), [""; 0]);
        let expected = [
            (asked[0], no),
            (asked[1], bad),
            (asked[2], bad),
            ("", bad),
            (asked[4], bad),
        ];
        assert_eq!(left(&some), expected);
    }

    #[test]
    fn what_is_too_much_is_left() {
        let box_ = tempfile::tempdir().unwrap();
        fs::create_dir_all(box_.path().join("deep/er")).unwrap();
        for name in ["1", "2", "deep/3", "deep/er/4"] {
            fs::write(box_.path().join(name), "1234").unwrap();
        }
        // A file of a terabyte that takes no space.
        let sparse = File::create(box_.path().join("0")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        let limits = CollectLimits {
            files: 9,
            bytes: 8,
            depth: 1,
        };
        let all = taken(box_.path(), &["."], limits);
        assert_eq!(names(&all), ["1", "2"]);
        let (large, deep) = (LeftReason::TooLarge, LeftReason::TooDeep);
        assert_eq!(
            left(&all),
            [("0", large), ("deep/3", large), ("deep/er", deep)]
        );
        let one = taken(
            box_.path(),
            &["2", "1"],
            CollectLimits { files: 1, ..limits },
        );
        assert_eq!(names(&one), ["2"]);
        assert_eq!(left(&one), [("1", LeftReason::TooMany)]);
    }

    #[test]
    fn a_crowd_of_entries_and_names_that_are_no_text_hurt_nobody() {
        let box_ = tempfile::tempdir().unwrap();
        let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"a\xff");
        fs::write(box_.path().join(odd), "x").unwrap();
        let all = taken(box_.path(), &["."], ROOMY);
        assert_eq!(left(&all), [("a\u{fffd}", LeftReason::BadPath)]);
        for number in 0..=crate::collect::MOST_ENTRIES {
            fs::write(box_.path().join(number.to_string()), "").unwrap();
        }
        let all = taken(box_.path(), &[".", "17"], ROOMY);
        assert_eq!(names(&all), ["17"], "what is named is found all the same");
        assert!(left(&all).contains(&("", LeftReason::TooMany)));
    }
}

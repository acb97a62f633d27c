//! Taking files out of a cell: what is asked for, what comes of it, and the account that keeps it
//! within its limits. Every engine walks its own way; all count here.

use std::collections::BTreeSet;

use crate::CellFile;

/// Entries of a cell's folders that are looked at, at most. What lies beyond is left.
pub(crate) const MOST_ENTRIES: usize = 10_000;

/// Which files to take out of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// Paths below the working directory, in order of importance: what comes first is taken first
    /// while the limits allow. A folder stands for every file beneath it, `.` for everything. In the
    /// last part of a path that is not there `*` stands for any characters and `?` for one.
    pub paths: Vec<String>,
    /// How much may come out.
    pub limits: CollectLimits,
}

/// How much may come out of a cell at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectLimits {
    /// Files.
    pub files: usize,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Folders between the working directory and a file: with 0 only files that lie directly in
    /// it are taken.
    pub depth: usize,
}

/// What came out of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// The files, as they could be put into another cell; none twice.
    pub files: Vec<CellFile>,
    /// What was left, in the order in which it was met; at most as many as files are allowed.
    pub left: Vec<Left>,
    /// How much was left in all, as far as it was looked at.
    pub left_count: usize,
}

/// Something that was not taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its path below the working directory, or what was asked for.
    pub path: String,
    /// Why it stays.
    pub reason: LeftReason,
}

/// Why something was not taken out of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftReason {
    /// There is nothing of that name.
    Missing,
    /// It is no path below the working directory, or its name is not UTF-8.
    BadPath,
    /// It is neither a file nor a folder, or the way to it leads over a link.
    NotRegular,
    /// With it there would be more bytes than allowed.
    TooLarge,
    /// With it there would be more files than allowed, or its folder has more entries than are
    /// looked at.
    TooMany,
    /// It lies beneath too many folders.
    TooDeep,
    /// The kernel would not give it.
    Unreadable,
}

/// What has been taken so far, within the limits.
#[derive(Debug)]
pub(crate) struct Account {
    limits: CollectLimits,
    collected: Collected,
    seen: BTreeSet<String>,
    bytes: u64,
    entries: usize,
}

impl Account {
    pub(crate) fn new(limits: CollectLimits) -> Self {
        Self {
            limits,
            collected: Collected::default(),
            seen: BTreeSet::new(),
            bytes: 0,
            entries: 0,
        }
    }

    /// Looks at one more entry; `false` once there were too many.
    pub(crate) fn look(&mut self) -> bool {
        self.entries += 1;
        self.entries <= MOST_ENTRIES
    }

    /// Whether files in a folder of that path may be taken.
    pub(crate) fn may_enter(&self, folder: &str) -> bool {
        depth_of(folder) < self.limits.depth
    }

    /// Whether a file may be taken; if not, it is noted as left. A file that was taken before is
    /// neither.
    pub(crate) fn admits(&mut self, path: &str, bytes: u64) -> bool {
        if self.seen.contains(path) {
            return false;
        }
        let refused = if depth_of(path) > self.limits.depth {
            Some(LeftReason::TooDeep)
        } else if self.collected.files.len() >= self.limits.files {
            Some(LeftReason::TooMany)
        } else if bytes > self.limits.bytes - self.bytes {
            Some(LeftReason::TooLarge)
        } else {
            None
        };
        match refused {
            Some(reason) => {
                self.leave(path, reason);
                false
            }
            None => true,
        }
    }

    /// Takes a file that was admitted.
    pub(crate) fn take(&mut self, file: CellFile) {
        self.bytes += file.content.len() as u64;
        self.seen.insert(file.name.clone());
        self.collected.files.push(file);
    }

    /// Notes that something is left.
    pub(crate) fn leave(&mut self, path: &str, reason: LeftReason) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        self.collected.left_count += 1;
        if self.collected.left.len() < self.limits.files {
            self.collected.left.push(Left {
                path: path.to_owned(),
                reason,
            });
        }
    }

    pub(crate) fn finish(self) -> Collected {
        self.collected
    }
}

/// Folders above what has this path.
fn depth_of(path: &str) -> usize {
    path.matches('/').count()
}

/// A path as it is asked for, brought to the form in which files are named: without `.` in it. `None`
/// if it leads, or could lead, out of the working directory. The working directory itself is empty.
pub(crate) fn plain_path(path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(files: usize, bytes: u64, depth: usize) -> Account {
        Account::new(CollectLimits {
            files,
            bytes,
            depth,
        })
    }

    fn file(name: &str, bytes: usize) -> CellFile {
        CellFile::new(name, vec![0; bytes])
    }

    #[test]
    fn limits_hold_exactly() {
        let mut account = account(2, 10, 1);
        assert!(!account.admits("big", 11));
        assert!(account.admits("a", 10));
        account.take(file("a", 10));
        assert!(!account.admits("one byte", 1));
        assert!(!account.admits("x/y/z", 0));
        assert!(account.admits("x/y", 0));
        account.take(file("x/y", 0));
        assert!(!account.admits("third", 0));
        let collected = account.finish();
        let names: Vec<_> = collected.files.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "x/y"]);
        let left: Vec<_> = collected.left.iter().map(|it| it.reason).collect();
        assert_eq!(left, [LeftReason::TooLarge, LeftReason::TooLarge]);
        assert_eq!(collected.left_count, 4);
    }

    #[test]
    fn nothing_is_taken_or_left_twice() {
        let mut account = account(9, 9, 0);
        account.take(file("a", 1));
        assert!(!account.admits("a", 1));
        account.leave("a", LeftReason::Missing);
        account.leave("b", LeftReason::Missing);
        account.leave("b", LeftReason::Missing);
        let collected = account.finish();
        assert_eq!((collected.files.len(), collected.left_count), (1, 1));
    }

    #[test]
    fn paths_lead_nowhere_else() {
        for (given, plain) in [
            (".", Some("")),
            ("./a//b/", Some("a/b")),
            ("...", Some("...")),
            ("", None),
            ("/a", None),
            ("..", None),
            ("a/../../b", None),
            ("a\0b", None),
        ] {
            assert_eq!(plain_path(given).as_deref(), plain, "{given:?}");
        }
    }
}

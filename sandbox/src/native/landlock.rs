//! A second lock on what a program may write, where the kernel has Landlock.
//!
//! The cell's root is read-only and not the program's anyway; this holds even if one of its
//! mounts should turn out not to be. It also keeps signals and abstract sockets inside.

#![expect(
    unsafe_code,
    reason = "raw system calls, each with its own safety comment"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

/// Rights as the kernel numbers them, as far as they change something.
mod right {
    pub(super) const WRITE_FILE: u64 = 1 << 1;
    pub(super) const REMOVE_DIR: u64 = 1 << 4;
    pub(super) const REMOVE_FILE: u64 = 1 << 5;
    pub(super) const MAKE_CHAR: u64 = 1 << 6;
    pub(super) const MAKE_DIR: u64 = 1 << 7;
    pub(super) const MAKE_REG: u64 = 1 << 8;
    pub(super) const MAKE_SOCK: u64 = 1 << 9;
    pub(super) const MAKE_FIFO: u64 = 1 << 10;
    pub(super) const MAKE_BLOCK: u64 = 1 << 11;
    pub(super) const MAKE_SYM: u64 = 1 << 12;
    /// Since version 2.
    pub(super) const REFER: u64 = 1 << 13;
    /// Since version 3.
    pub(super) const TRUNCATE: u64 = 1 << 14;
}

/// Abstract sockets and signals, since version 6.
const SCOPES: u64 = 0b11;
const SCOPES_SINCE: i64 = 6;

/// What is done to a folder's files.
const CHANGE: u64 = right::WRITE_FILE | right::TRUNCATE;

/// All that is done in a folder of one's own; devices are not made anywhere.
const OWN: u64 = CHANGE
    | right::REMOVE_DIR
    | right::REMOVE_FILE
    | right::MAKE_DIR
    | right::MAKE_REG
    | right::MAKE_SOCK
    | right::MAKE_FIFO
    | right::MAKE_SYM
    | right::REFER;

/// Folders of the program's own, and those whose files it may only change.
pub(crate) struct Allowed<'a> {
    pub(crate) own: &'a [&'a str],
    pub(crate) change: &'a [&'a str],
}

#[repr(C)]
struct Ruleset {
    files: u64,
    network: u64,
    scopes: u64,
}

#[repr(C, packed)]
struct BelowPath {
    allowed: u64,
    parent: i32,
}

const RULE_BELOW_PATH: i32 = 1;
const ASK_VERSION: u32 = 1;

/// Restricts this thread and all it will start; does nothing where the kernel has no Landlock.
/// Needs `no_new_privs`.
pub(crate) fn restrict(allowed: &Allowed<'_>) -> io::Result<()> {
    // SAFETY: with this flag the kernel reads no attributes.
    let version = unsafe {
        let none = std::ptr::null::<Ruleset>();
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            none,
            0_usize,
            ASK_VERSION,
        )
    };
    let known = match version {
        ..1 => return Ok(()),
        1 => !(right::REFER | right::TRUNCATE),
        2 => !right::TRUNCATE,
        _ => !0,
    };
    let attributes = Ruleset {
        files: (OWN | right::MAKE_CHAR | right::MAKE_BLOCK) & known,
        network: 0,
        scopes: if version >= SCOPES_SINCE { SCOPES } else { 0 },
    };
    // An older kernel refuses a structure with fields that it does not know.
    let size = if version >= SCOPES_SINCE {
        size_of::<Ruleset>()
    } else {
        size_of::<u64>()
    };
    // SAFETY: the attributes are at least that long; the descriptor that comes back is new.
    let rules = unsafe {
        let fd = libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attributes,
            size,
            0,
        );
        OwnedFd::from_raw_fd(checked(fd)? as i32)
    };
    for (folders, rights) in [(allowed.own, OWN), (allowed.change, CHANGE)] {
        for folder in folders {
            allow(&rules, folder, rights & known)?;
        }
    }
    // SAFETY: takes nothing but numbers.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) };
    checked(done).map(drop)
}

/// Proves on a thread of its own that the restriction restricts; an error says what was found.
pub(super) fn prove() -> Result<(), String> {
    let name = format!("runlog-landlock-probe-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let attempt = std::thread::spawn(move || {
        let restricted = rustix::thread::set_no_new_privs(true).map_err(io::Error::from);
        restricted.and_then(|()| {
            restrict(&Allowed {
                own: &[],
                change: &["/dev"],
            })
        })?;
        let made = std::fs::File::options()
            .write(true)
            .create_new(true)
            .open(&path);
        match made {
            Ok(_) => std::fs::remove_file(&path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error),
        }
    });
    match attempt.join() {
        Ok(Ok(false)) => Ok(()),
        Ok(Ok(true)) => Err("the kernel has none".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the probe was lost".to_owned()),
    }
}

fn allow(rules: &OwnedFd, folder: &str, allowed: u64) -> io::Result<()> {
    let parent = rustix::fs::open(folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let rule = BelowPath {
        allowed,
        parent: parent.as_raw_fd(),
    };
    // SAFETY: the rule is of the kind that is named and outlives the call.
    let done = unsafe {
        let (rules, rule) = (rules.as_raw_fd(), &raw const rule);
        libc::syscall(libc::SYS_landlock_add_rule, rules, RULE_BELOW_PATH, rule, 0)
    };
    checked(done).map(drop)
}

fn checked(result: i64) -> io::Result<i64> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The restriction is the thread's own.
    #[test]
    fn only_allowed_folders_are_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["own", "change", "other"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("file"), "old").unwrap();
        }
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (own, change, other) = (path("own"), path("change"), path("other"));
        let attempts = std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            restrict(&Allowed {
                own: &[&own],
                change: &[&change],
            })
            .unwrap();
            [own, change, other].map(|folder| {
                let made = fs::write(format!("{folder}/new"), "new").is_ok();
                let changed = fs::write(format!("{folder}/file"), "new").is_ok();
                let read = fs::read(format!("{folder}/file")).is_ok();
                (made, changed, read)
            })
        });
        // SAFETY: as in the function above.
        let version = unsafe {
            let none = std::ptr::null::<Ruleset>();
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                none,
                0_usize,
                ASK_VERSION,
            )
        };
        let free = version < 1;
        let expected = [(true, true, true), (free, true, true), (free, free, true)];
        assert_eq!(attempts.join().unwrap(), expected);
    }
}

//! The data folder of `up`: private, for one process at a time, with a file that tells where that
//! process is to be found.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failed;
use crate::failure::Failure;

/// The least that the log is begun with, in bytes.
const LEAST_ROOM: u64 = 256 << 20;

/// The folder, locked while this lives.
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// Where a running `up` is to be found. Holds a password, so only its owner can read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UpFile {
    /// Of the edge.
    pub(crate) url: String,
    /// Of the process.
    pub(crate) pid: u32,
    /// Of the log.
    pub(crate) nats_url: String,
    /// Of the history.
    pub(crate) database_url: String,
}

impl DataFolder {
    /// Makes the folder if it is not there, and takes it for this process.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let doing = format!("cannot use {}", path.display());
        let cannot = |error: std::io::Error| failed(&doing, &error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(cannot)?;
        // It may have been there before, open to others.
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(cannot)?;
        let path = path.canonicalize().map_err(cannot)?;
        let lock = private(&path.join("up.lock")).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(in_use(&path)),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes the log may take here: most of what the disk had free when it was begun, so
    /// that PostgreSQL has room too. It stays what it was then; `None` for a log that was begun
    /// before there was such a bound.
    ///
    /// # Errors
    /// When the disk is too small for any log, or cannot be looked at.
    pub(crate) fn room(&self) -> Result<Option<u64>, Failure> {
        let file = self.path.join("room");
        let cannot =
            |error: std::io::Error| failed("cannot find out how much the disk holds", &error);
        if let Ok(noted) = fs::read_to_string(&file) {
            let bytes = noted.trim().parse();
            return bytes.map(Some).map_err(|error| {
                failed(
                    &format!("{} holds no number of bytes", file.display()),
                    &error,
                )
            });
        }
        if self.path.join("nats").exists() {
            return Ok(None);
        }
        let disk = rustix::fs::statvfs(&self.path).map_err(|error| cannot(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let bytes = free / 5 * 3;
        if bytes < LEAST_ROOM {
            return Err(Failure::Service(format!(
                "the disk of {} has {} MB free; at least {} MB are needed: make room there, or \
                 choose another folder with --data",
                self.path.display(),
                free >> 20,
                (LEAST_ROOM / 3 * 5) >> 20,
            )));
        }
        private(&file)
            .and_then(|mut file| file.write_all(bytes.to_string().as_bytes()))
            .map_err(cannot)?;
        Ok(Some(bytes))
    }

    /// Tells others where this process is to be found.
    pub(crate) fn tell(&self, up: &UpFile) -> Result<(), Failure> {
        let json = serde_json::to_vec(up).expect("addresses are plain data");
        // Never half written.
        let (path, new) = (self.path.join("up.json"), self.path.join("up.json.new"));
        private(&new)
            .and_then(|mut file| {
                file.set_len(0)?;
                file.write_all(&json)
            })
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|error| failed("cannot write up.json", &error))
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // After a kill it stays; the lock tells that it is old.
        fs::remove_file(self.path.join("up.json")).ok();
    }
}

fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
}

fn in_use(path: &Path) -> Failure {
    let folder = path.display();
    let up = fs::read(path.join("up.json")).ok();
    let up: Option<UpFile> = up.and_then(|it| serde_json::from_slice(&it).ok());
    Failure::Service(match up {
        Some(up) => format!(
            "the data in {folder} are in use: another `runlog up` (process {}) serves them at {}",
            up.pid, up.url
        ),
        None => format!(
            "the data in {folder} are in use by another `runlog up`, which is starting or ending"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_for_one() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/data");
        let first = DataFolder::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let words = DataFolder::open(&path).err().unwrap().words();
        assert!(words.contains("in use"), "{words}");

        let up = UpFile {
            url: "http://127.0.0.1:1".to_owned(),
            pid: 7,
            nats_url: String::new(),
            database_url: "postgres://runlog:secret@127.0.0.1/runlog".to_owned(),
        };
        first.tell(&up).unwrap();
        let file = path.join("up.json");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let words = DataFolder::open(&path).err().unwrap().words();
        assert!(
            words.contains("process 7") && words.contains("http://127.0.0.1:1"),
            "{words}"
        );
        assert!(!words.contains("secret"), "{words}");

        drop(first);
        assert!(!file.exists());
        assert!(DataFolder::open(&path).is_ok());
    }

    #[test]
    fn the_room_of_a_log_stays_what_it_was_when_it_was_begun() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&parent.path().join("new")).unwrap();
        let disk = rustix::fs::statvfs(folder.path()).unwrap();
        let room = folder.room().unwrap().unwrap();
        assert!(room >= LEAST_ROOM && room < disk.f_blocks * disk.f_frsize);
        fs::write(folder.path().join("room"), "700000000\n").unwrap();
        fs::create_dir(folder.path().join("nats")).unwrap();
        assert_eq!(folder.room().unwrap(), Some(700_000_000));
        fs::write(folder.path().join("room"), "much").unwrap();
        let words = folder.room().err().unwrap().words();
        assert!(words.contains("no number of bytes"), "{words}");

        let older = DataFolder::open(&parent.path().join("older")).unwrap();
        fs::create_dir(older.path().join("nats")).unwrap();
        assert_eq!(older.room().unwrap(), None);
    }
}

//! The folder of one server: its lock, its log, and secrets.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Error;

/// How long a server of a process that was killed may take to be gone.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// How much of a log an error shows.
const TAIL_BYTES: i64 = 2_000;

/// Makes the folder with its parents, readable for nobody else.
pub(crate) fn make_private(directory: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(Error::io("create", directory))
}

/// Locks the folder. The server inherits the lock, so that it also holds
/// while a server lives whose starter was killed.
pub(crate) async fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if begin.elapsed() < LOCK_PATIENCE => {
                sleep(Duration::from_millis(20)).await
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::InUse {
                    directory: directory.to_owned(),
                });
            }
            Err(fs::TryLockError::Error(source)) => {
                return Err(Error::Io {
                    action: "lock",
                    path,
                    source,
                });
            }
        }
    }
}

/// The log of a server, from where this start of it began.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    begin: u64,
}

impl Log {
    pub(crate) fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("server.log");
        let open = || {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&path)?;
            let begin = file.metadata()?.len();
            Ok((file, begin))
        };
        let (file, begin) = open().map_err(Error::io("open", &path))?;
        Ok(Self { path, file, begin })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// What the server wrote last since it was started.
    pub(crate) fn tail(&self) -> String {
        self.read_tail()
            .unwrap_or_else(|error| format!("(cannot read {}: {error})", self.path.display()))
    }

    fn read_tail(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let tail = i64::try_from(length.saturating_sub(self.begin))
            .unwrap_or(TAIL_BYTES)
            .min(TAIL_BYTES);
        file.seek(SeekFrom::End(-tail))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// Both servers pass on what the kernel says about a port in use.
    pub(crate) fn tells_of_a_taken_port(&self) -> bool {
        self.tail()
            .to_lowercase()
            .contains("address already in use")
    }
}

/// Reads the secret in `path`, which is made up if it is not there yet.
pub(crate) fn secret(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(secret) => Ok(secret.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            new_secret(path).map_err(Error::io("write", path))
        }
        Err(source) => Err(Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

fn new_secret(path: &Path) -> io::Result<String> {
    let mut random = [0_u8; 20];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(secret.as_bytes())?;
    Ok(secret)
}

//! What no attack may change, reach or tell: planted on the machine before the first one.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

/// Content of longer files is not looked at, only what the file system says of them.
const LONGEST: u64 = 1 << 20;

/// The planted things. Dropping them takes them away.
#[derive(Debug)]
pub(crate) struct Canaries {
    /// Stands for a toolchain: every cell has it, as [`Canaries::tree`] for the engine to mount.
    folder: tempfile::TempDir,
    secrets: Vec<String>,
    socket: UnixListener,
    socket_name: String,
    port: TcpListener,
    keeper: Child,
    before: BTreeMap<PathBuf, u64>,
}

impl Canaries {
    /// Plants them. `setuid` is a program that becomes a setuid-root one.
    pub(crate) fn plant(setuid: &Bytes) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let secret = |what: &str| format!("runlog-secret-{what}-{id}");
        let secrets = ["file", "environment", "stdin"].map(secret).to_vec();
        let folder = tempfile::Builder::new()
            .prefix("runlog-canary-")
            .tempdir()
            .expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("rights");
        fs::write(folder.path().join("secret"), &secrets[0]).expect("a file");
        grow_tree(&folder.path().join("tree"), setuid);
        let socket_name = format!("runlog-canary-{id}");
        let address = SocketAddr::from_abstract_name(&socket_name).expect("a name");
        let socket = UnixListener::bind_addr(&address).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        port.set_nonblocking(true).expect("a port");
        // Another process of the machine, with a secret as services have theirs; without us it ends.
        let keeper = Command::new("/bin/cat")
            .env("DATABASE_URL", &secrets[1])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut canaries = Self {
            folder,
            secrets,
            socket,
            socket_name,
            port,
            keeper: keeper.expect("a process"),
            before: BTreeMap::new(),
        };
        canaries.before = canaries.look();
        canaries
    }

    /// The folder that the cells see, read-only.
    pub(crate) fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// What the runs are told, so that they need not guess.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let port = self.port.local_addr().expect("an address").port();
        vec![
            ("RUNLOG_CANARY_SOCKET".into(), self.socket_name.clone()),
            ("RUNLOG_CANARY_PORT".into(), port.to_string()),
            (
                "RUNLOG_CANARY_FILE".into(),
                self.folder.path().join("secret").display().to_string(),
            ),
        ]
    }

    /// What the neighbour is given to read.
    pub(crate) fn secret_of_the_neighbour(&self) -> &str {
        &self.secrets[2]
    }

    /// The secrets that some output tells.
    pub(crate) fn told_by(&self, output: &[u8]) -> Vec<String> {
        let contains = |secret: &&String| {
            output
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        };
        self.secrets
            .iter()
            .filter(contains)
            .map(|secret| format!("its output tells {secret}"))
            .collect()
    }

    /// What has happened to the canaries.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        if self.socket.accept().is_ok() {
            breaches.push("the machine's abstract socket was reached".to_owned());
        }
        if self.port.accept().is_ok() {
            breaches.push("a port of the machine was reached".to_owned());
        }
        let now = self.look();
        for (path, hash) in &now {
            if self.before.get(path) != Some(hash) {
                breaches.push(format!("{} was changed or made", path.display()));
            }
        }
        let gone = self.before.keys().filter(|path| !now.contains_key(*path));
        breaches.extend(gone.map(|path| format!("{} was removed", path.display())));
        breaches
    }

    /// The canary tree and `/etc` as a whole, and the programs that attacks would replace.
    fn look(&self) -> BTreeMap<PathBuf, u64> {
        let mut seen = BTreeMap::new();
        walk(self.folder.path(), &mut seen);
        walk(Path::new("/etc"), &mut seen);
        for path in [
            "/usr/bin",
            "/usr/lib",
            "/usr/bin/gcc",
            "/usr/bin/python3",
            "/bin/sh",
            "/bin/bash",
            "/lib/x86_64-linux-gnu/libc.so.6",
        ] {
            if let Ok(real) = fs::canonicalize(path) {
                look_at(&real, &mut seen);
            }
        }
        seen
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Files of every kind, with rights for everybody: only the mount protects them.
fn grow_tree(tree: &Path, setuid: &Bytes) {
    let rights = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights")
    };
    for folder in [tree.to_owned(), tree.join("open")] {
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("file"), "as it was\n").expect("a file");
        rights(&folder.join("file"), 0o666);
        rights(&folder, 0o777);
    }
    fs::write(tree.join("page"), vec![b'p'; 4096]).expect("a file");
    rights(&tree.join("page"), 0o666);
    fs::write(tree.join("setuid"), setuid).expect("a file");
    rights(&tree.join("setuid"), 0o4755);
    symlink("file", tree.join("link")).expect("a link");
}

fn walk(path: &Path, seen: &mut BTreeMap<PathBuf, u64>) {
    look_at(path, seen);
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            walk(&entry.path(), seen);
        }
    }
}

fn look_at(path: &Path, seen: &mut BTreeMap<PathBuf, u64>) {
    let Ok(found) = fs::symlink_metadata(path) else {
        return;
    };
    let mut hash = DefaultHasher::new();
    (
        found.mode(),
        found.uid(),
        found.gid(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ino(),
    )
        .hash(&mut hash);
    if found.is_file() && found.size() <= LONGEST {
        fs::read(path).unwrap_or_default().hash(&mut hash);
    }
    seen.insert(path.to_owned(), hash.finish());
}

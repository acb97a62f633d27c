//! A recorder between an engine and its daemon: which endpoints are asked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// Passes everything on and notes the first line of every connection: this engine makes one for
/// each request.
pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<BTreeSet<String>>>,
    _serving: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(daemon: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        let asked = Arc::default();
        let (noted, daemon) = (Arc::clone(&asked), daemon.to_owned());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass_on(client, daemon.clone(), Arc::clone(&noted)));
            }
        });
        Self {
            folder,
            asked,
            _serving: serving,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Methods and paths, with names and ids as `*`.
    pub(crate) fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn pass_on(mut client: UnixStream, daemon: PathBuf, asked: Arc<Mutex<BTreeSet<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n") {
        let Ok(byte) = client.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    asked
        .lock()
        .expect("no panic")
        .insert(endpoint(&String::from_utf8_lossy(&head)));
    let mut server = UnixStream::connect(daemon).await.expect("the daemon");
    if server.write_all(&head).await.is_ok() {
        // Either side may end it.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}

fn endpoint(request: &str) -> String {
    let (method, rest) = request.split_once(' ').expect("a request");
    let path = rest.split([' ', '?']).next().expect("a path");
    let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    // Some clients name a version first.
    if parts[0].starts_with("v1.") {
        parts.remove(0);
    }
    if let [_, name, ..] = &mut parts[..]
        && !matches!(*name, "json" | "create")
    {
        *name = "*";
    }
    format!("{method} /{}", parts.join("/"))
}

//! What can go wrong with a local server, said so that the reader knows what
//! to do next.

use std::io;
use std::path::{Path, PathBuf};

use crate::tools::NatsVersion;

/// Why a local server could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such program where we look for it.
    #[error("{program} was not found, neither in {}; `make setup` installs it", list(.searched))]
    Missing {
        /// The program.
        program: &'static str,
        /// Every place that was looked at.
        searched: Vec<PathBuf>,
    },
    /// The only nats-server that was found is too old for the log.
    #[error("{} is version {found}, but {needed} or later is needed; `make setup` installs it", .path.display())]
    NatsTooOld {
        /// The program that was found.
        path: PathBuf,
        /// Its version.
        found: NatsVersion,
        /// The oldest version that will do.
        needed: NatsVersion,
    },
    /// A program's `--version` says nothing that we understand.
    #[error("{} did not tell its version: {answer:?}", .path.display())]
    UnknownVersion {
        /// The program.
        path: PathBuf,
        /// What it printed.
        answer: String,
    },
    /// The data were written by another major version of PostgreSQL.
    #[error("the data in {} belong to PostgreSQL {found}, which is not installed (found: {available})", .directory.display())]
    DataVersion {
        /// The data directory.
        directory: PathBuf,
        /// The major version that wrote the data.
        found: String,
        /// The major version that is installed.
        available: String,
    },
    /// PostgreSQL refuses to run as root and there is nobody else to run as.
    #[error(
        "PostgreSQL does not run as root, and there is no user {user:?} to run it as; `make setup` makes one"
    )]
    NoUser {
        /// The user that was looked for.
        user: String,
    },
    /// Another server works on the same data.
    #[error("the data in {} are in use by another process", .directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// Somebody else listens on the port.
    #[error("port {port} on 127.0.0.1 is taken, so {server} cannot listen on it")]
    PortTaken {
        /// The server.
        server: &'static str,
        /// The port.
        port: u16,
    },
    /// The server ended instead of answering.
    #[error("{server} ended while it was starting ({status}); the end of its log:\n{log}")]
    Ended {
        /// The server.
        server: &'static str,
        /// How it ended.
        status: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// The server lives, but does not answer.
    #[error("{server} did not answer within {seconds} s; the end of its log:\n{log}")]
    NotReady {
        /// The server.
        server: &'static str,
        /// How long we waited.
        seconds: u64,
        /// The last lines that it wrote.
        log: String,
    },
    /// The server was stopped or killed before.
    #[error("{server} is not running")]
    NotRunning {
        /// The server.
        server: &'static str,
    },
    /// A helper program failed, such as `initdb`.
    #[error("{program} failed: {output}")]
    Helper {
        /// The program.
        program: String,
        /// What it printed.
        output: String,
    },
    /// The operating system refused something.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What we wanted to do.
        action: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", nor in ")
}

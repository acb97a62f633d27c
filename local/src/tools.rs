//! Finds the server binaries, and refuses a nats-server that is too old.

use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::geteuid;

use crate::{Error, config};

/// The oldest nats-server whose JetStream does what the log needs.
pub const MINIMUM_NATS_VERSION: NatsVersion = NatsVersion {
    major: 2,
    minor: 12,
    patch: 0,
};

/// Where `make setup` puts what it installs for this project only.
const TOOLS: &str = ".runlog/tools";

/// Where in there the nats-server is.
const NATS_IN_TOOLS: &str = "nats-server/usr/sbin/nats-server";

/// Where in there Docker's programs are.
const DOCKER_IN_TOOLS: &str = "docker/bin";

/// Where in there the root file system for tests of containers is.
const IMAGE_IN_TOOLS: &str = "docker-image/root.tar";

/// Where Debian keeps one folder per major version of PostgreSQL.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// Version of a nats-server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NatsVersion {
    /// 2 in 2.15.1.
    pub major: u32,
    /// 15 in 2.15.1.
    pub minor: u32,
    /// 1 in 2.15.1.
    pub patch: u32,
}

impl NatsVersion {
    /// Reads `nats-server: v2.15.1` or `2.15.1`; what follows the numbers
    /// (`-beta.1`) is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let version = text.trim().rsplit([' ', 'v']).next()?;
        let mut numbers = version.split(['.', '-', '+']).map(str::parse);
        let mut number = || numbers.next()?.ok();
        Some(Self {
            major: number()?,
            minor: number()?,
            patch: number()?,
        })
    }
}

impl fmt::Display for NatsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Where the server binaries are looked for. `Tools::default()` looks in the
/// project's tool folder, then in the system.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// The nats-server to use, instead of looking for one.
    pub nats_server: Option<PathBuf>,
    /// The folder with `initdb` and `postgres`, instead of looking for one.
    pub postgres_bin: Option<PathBuf>,
}

impl Tools {
    /// The folder that `make setup` fills: `.runlog/tools` in the nearest folder upward.
    pub fn folder() -> Option<PathBuf> {
        tool_folders(&config::search_starts()).into_iter().next()
    }

    /// The folder with `dockerd`, `docker` and the like: the one in `.runlog/tools` of the nearest
    /// folder upward, else the first one on `PATH`.
    pub fn docker(&self) -> Result<PathBuf, Error> {
        let in_tools = tool_folders(&config::search_starts()).into_iter();
        let in_tools = in_tools.map(|folder| folder.join(DOCKER_IN_TOOLS));
        let candidates: Vec<_> = in_tools.chain(config::search_path()).collect();
        let found = candidates
            .iter()
            .find(|bin| is_program(&bin.join("dockerd")));
        found.cloned().ok_or(Error::Missing {
            program: "dockerd",
            searched: candidates,
        })
    }

    /// The root file system, as a tar archive, of which tests make a container image.
    pub fn docker_image(&self) -> Result<PathBuf, Error> {
        let folders = tool_folders(&config::search_starts());
        let candidates: Vec<_> = folders.iter().map(|it| it.join(IMAGE_IN_TOOLS)).collect();
        let found = candidates.iter().find(|path| path.is_file());
        found.cloned().ok_or(Error::Missing {
            program: "the image for tests of containers",
            searched: candidates,
        })
    }

    /// The nats-server to start: the configured one, else the one in
    /// `.runlog/tools` of the nearest folder upward, else the one on `PATH`.
    pub fn nats_server(&self) -> Result<PathBuf, Error> {
        let candidates = match &self.nats_server {
            Some(path) => vec![path.clone()],
            None => nats_candidates(),
        };
        let Some(found) = candidates.iter().find(|path| is_program(path)) else {
            return Err(Error::Missing {
                program: "nats-server",
                searched: candidates,
            });
        };
        refuse_old_nats(found)?;
        Ok(found.clone())
    }

    /// The folder with PostgreSQL's programs: the configured one, else that
    /// of `major`, else the newest one that is installed.
    pub fn postgres_bin(&self, major: Option<&str>) -> Result<PathBuf, Error> {
        let candidates = match (&self.postgres_bin, major) {
            (Some(path), _) => vec![path.clone()],
            (None, Some(major)) => vec![Path::new(POSTGRES_VERSIONS).join(major).join("bin")],
            (None, None) => installed_postgres(),
        };
        match candidates
            .iter()
            .find(|bin| is_program(&bin.join("initdb")) && is_program(&bin.join("postgres")))
        {
            Some(bin) => Ok(bin.clone()),
            None if candidates.is_empty() => Err(Error::Missing {
                program: "PostgreSQL",
                searched: vec![Path::new(POSTGRES_VERSIONS).join("*/bin")],
            }),
            None => Err(Error::Missing {
                program: "PostgreSQL",
                searched: candidates,
            }),
        }
    }
}

fn nats_candidates() -> Vec<PathBuf> {
    let mut folders = tool_folders(&config::search_starts());
    if folders.is_empty() {
        // Where `make setup` would have put it.
        folders.push(PathBuf::from(TOOLS));
    }
    let in_tools = folders.iter().map(|folder| folder.join(NATS_IN_TOOLS));
    let on_path = config::search_path();
    in_tools
        .chain(on_path.iter().map(|folder| folder.join("nats-server")))
        .collect()
}

/// The `.runlog/tools` that are in the folders to start from and above, nearest first.
fn tool_folders(starts: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for start in starts {
        let owner = fs::metadata(start).map(|meta| meta.uid()).ok();
        let above = start.ancestors().map(|folder| folder.join(TOOLS));
        folders.extend(above.filter(|folder| is_trusted(folder, owner)));
    }
    folders.dedup();
    folders
}

/// Tools that another user put above us, say in `/tmp`, are not started. Those of whom the start
/// folder belongs to are: with `sudo`, that is the user who typed it.
fn is_trusted(tools: &Path, start_owner: Option<u32>) -> bool {
    let trusted = |uid| uid == 0 || uid == geteuid().as_raw() || Some(uid) == start_owner;
    fs::metadata(tools).is_ok_and(|meta| meta.is_dir() && trusted(meta.uid()))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Newest first; "9.6" sorts below "15".
fn installed_postgres() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(POSTGRES_VERSIONS) else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let major = name.split('.').next()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

fn refuse_old_nats(path: &Path) -> Result<(), Error> {
    let output = Command::new(path)
        .arg("--version")
        .output()
        .map_err(Error::io("run", path))?;
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    match NatsVersion::parse(&answer) {
        None => Err(Error::UnknownVersion {
            path: path.to_owned(),
            answer,
        }),
        Some(found) if found < MINIMUM_NATS_VERSION => Err(Error::NatsTooOld {
            path: path.to_owned(),
            found,
            needed: MINIMUM_NATS_VERSION,
        }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> Option<NatsVersion> {
        Some(NatsVersion {
            major,
            minor,
            patch,
        })
    }

    #[test]
    fn versions_are_read_as_servers_print_them() {
        assert_eq!(
            NatsVersion::parse("nats-server: v2.15.1\n"),
            version(2, 15, 1)
        );
        assert_eq!(NatsVersion::parse("2.9.10"), version(2, 9, 10));
        assert_eq!(
            NatsVersion::parse("nats-server: v2.12.0-beta.1"),
            version(2, 12, 0)
        );
        assert_eq!(NatsVersion::parse("nats-server: development"), None);
        assert!(version(2, 9, 10) < version(2, 12, 0));
    }

    #[test]
    fn the_nearest_tools_come_first_and_those_of_strangers_never() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        for folder in [top.path(), &inner] {
            fs::create_dir_all(folder.join(TOOLS)).unwrap();
        }
        let found = || tool_folders(std::slice::from_ref(&inner));
        assert_eq!(found()[..2], [inner.join(TOOLS), top.path().join(TOOLS)]);
        if geteuid().is_root() {
            std::os::unix::fs::chown(top.path().join(TOOLS), Some(12345), None).unwrap();
            assert!(!found().contains(&top.path().join(TOOLS)));
            std::os::unix::fs::chown(&inner, Some(12345), None).unwrap();
            assert!(found().contains(&top.path().join(TOOLS)));
        }
    }

    fn fake_nats(folder: &Path, version: &str) -> Tools {
        let path = folder.join("nats-server");
        fs::write(
            &path,
            format!("#!/bin/sh\necho 'nats-server: v{version}'\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Tools {
            nats_server: Some(path),
            ..Tools::default()
        }
    }

    #[test]
    fn an_old_nats_server_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        let message = fake_nats(folder.path(), "2.9.10")
            .nats_server()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("2.9.10")
                && message.contains("2.12.0")
                && message.contains("make setup"),
            "{message}"
        );
    }

    #[test]
    fn a_recent_nats_server_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert!(fake_nats(folder.path(), "2.12.0").nats_server().is_ok());
    }

    #[test]
    fn a_missing_program_names_the_command_that_installs_it() {
        let tools = Tools {
            nats_server: Some("/nowhere/nats-server".into()),
            postgres_bin: Some("/nowhere".into()),
        };
        for message in [
            tools.nats_server().unwrap_err().to_string(),
            tools.postgres_bin(None).unwrap_err().to_string(),
        ] {
            assert!(
                message.contains("/nowhere") && message.contains("make setup"),
                "{message}"
            );
        }
    }
}

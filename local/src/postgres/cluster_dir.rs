//! The data folder of a PostgreSQL server: who owns it, which version it
//! belongs to, and how it is made.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, chown, fchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use crate::files;
use crate::process::{Launch, inherited_path};
use crate::{Error, Tools, spawner};

use super::{Durability, NAME};

/// The user that PostgreSQL runs as when we are root; Debian's package has it.
const UNPRIVILEGED_USER: &str = "postgres";

/// A data folder together with the programs and the user that fit it.
pub(crate) struct ClusterDir {
    pub(crate) bin: PathBuf,
    pub(crate) user: Option<User>,
    pub(crate) data_dir: PathBuf,
}

pub(crate) fn cluster_path(data_dir: &Path) -> PathBuf {
    data_dir.join("cluster")
}

impl ClusterDir {
    /// Chooses the programs: those of the version that wrote the data, or
    /// the newest ones if there are no data yet.
    pub(crate) fn open(tools: &Tools, data_dir: &Path) -> Result<Self, Error> {
        files::make_private(data_dir)?;
        let written_by = fs::read_to_string(cluster_path(data_dir).join("PG_VERSION")).ok();
        let bin = match written_by.as_deref().map(str::trim) {
            None => tools.postgres_bin(None)?,
            Some(major) => tools
                .postgres_bin(Some(major))
                .map_err(|missing| other_version(tools, data_dir, major, missing))?,
        };
        Ok(Self {
            bin,
            user: server_user()?,
            data_dir: data_dir.to_owned(),
        })
    }

    /// The password of the role that owns the database.
    pub(crate) fn password(&self) -> Result<String, Error> {
        files::secret(&self.data_dir.join("password"))
    }

    /// Makes the database cluster beside its place and moves it there when it
    /// is complete, so that an interruption leaves nothing half made.
    pub(crate) async fn create_if_missing(&self, durability: Durability) -> Result<(), Error> {
        let target = cluster_path(&self.data_dir);
        if target.exists() {
            return Ok(());
        }
        let fresh = self.data_dir.join("cluster.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(Error::io("remove", &fresh))?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&fresh)
            .map_err(Error::io("create", &fresh))?;
        if let Some(user) = &self.user {
            chown(&fresh, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .map_err(Error::io("hand over", &fresh))?;
        }
        self.initialise(&fresh, durability).await?;
        fs::rename(&fresh, &target).map_err(Error::io("rename", &fresh))
    }

    async fn initialise(&self, folder: &Path, durability: Durability) -> Result<(), Error> {
        let password = self.pipe_with(&self.password()?)?;
        let mut arguments: Vec<OsString> =
            vec!["--pwfile".into(), inherited_path(&password).into()];
        arguments.extend(
            [
                "--username",
                NAME,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
            ]
            .map(Into::into),
        );
        // Text sorts by bytes everywhere, and upper case is known in every script.
        arguments
            .extend(["--locale=C.UTF-8", "--lc-collate=C", "--no-instructions"].map(Into::into));
        if durability == Durability::Disposable {
            // Small segments make a copy of the cluster cheap.
            arguments.extend(["--no-sync", "--wal-segsize=1"].map(Into::into));
        }
        let mut initdb = self.launch("initdb", folder, arguments)?;
        initdb.inherit.push(password);
        self.run("initdb", initdb.command(Stdio::piped())).await?;

        let statements = self.pipe_with(&format!("CREATE DATABASE {NAME}"))?;
        let mut single = self.launch("postgres", folder, vec!["--single".into()])?;
        single.arguments.push("postgres".into());
        let mut single = single.command(Stdio::piped());
        single.stdin(Stdio::from(statements));
        self.run("postgres", single).await
    }

    /// An open pipe that holds one line, which the server's user may read;
    /// files of ours it may not.
    fn pipe_with(&self, line: &str) -> Result<OwnedFd, Error> {
        let make = || {
            let (reader, mut writer) = std::io::pipe()?;
            writeln!(writer, "{line}")?;
            if let Some(user) = &self.user {
                fchown(&reader, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            }
            Ok(reader.into())
        };
        make().map_err(Error::io("fill a pipe for", &self.data_dir))
    }

    async fn run(&self, program: &str, command: Command) -> Result<(), Error> {
        let path = self.bin.join(program);
        let child = spawner::spawn(command)
            .await
            .map_err(Error::io("run", &path))?;
        let output = child
            .wait_with_output()
            .await
            .map_err(Error::io("run", &path))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Helper {
            program: path.display().to_string(),
            output: format!("{}: {text}", output.status),
        })
    }

    /// The server's user may not be able to walk down to the folder, say
    /// below `/root`, so it gets it as an open descriptor.
    fn launch(
        &self,
        program: &str,
        folder: &Path,
        mut arguments: Vec<OsString>,
    ) -> Result<Launch, Error> {
        let directory = File::open(folder)
            .map_err(Error::io("open", folder))?
            .into();
        arguments.extend(["-D".into(), inherited_path(&directory).into()]);
        Ok(Launch {
            program: self.bin.join(program),
            arguments,
            environment: Vec::new(),
            directory: "/".into(),
            user: self.user.clone(),
            inherit: vec![directory],
            output: Stdio::null(),
            death_signal: Signal::SIGKILL,
        })
    }
}

fn other_version(tools: &Tools, data_dir: &Path, major: &str, missing: Error) -> Error {
    let Ok(bin) = tools.postgres_bin(None) else {
        return missing;
    };
    let available = bin.display().to_string();
    Error::DataVersion {
        directory: data_dir.to_owned(),
        found: major.to_owned(),
        available,
    }
}

fn server_user() -> Result<Option<User>, Error> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    match User::from_name(UNPRIVILEGED_USER) {
        Ok(Some(user)) => Ok(Some(user)),
        Ok(None) | Err(_) => Err(Error::NoUser {
            user: UNPRIVILEGED_USER.to_owned(),
        }),
    }
}

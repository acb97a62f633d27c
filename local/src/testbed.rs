//! Servers for one test, in a folder of their own that goes away with it.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::files;
use crate::postgres::ClusterDir;
use crate::{Durability, Error, Nats, NatsCluster, NatsConfig, Postgres, PostgresConfig, Tools};

/// The servers of one test. They are killed and their data removed on drop.
///
/// A PostgreSQL starts from a copy of a cluster that was made once for the
/// user and version, which takes about a tenth of a second.
pub struct Testbed {
    // Fields are dropped in this order: the servers before their data.
    nats: Option<Nats>,
    cluster: Option<NatsCluster>,
    postgres: Option<Postgres>,
    directory: TempDir,
}

impl Testbed {
    /// A nats-server, synced to disk as in production.
    pub async fn start() -> Result<Self, Error> {
        let mut testbed = Self::empty()?;
        let config = NatsConfig {
            tools: Tools::default(),
            data_dir: testbed.path().join("nats"),
            port: None,
        };
        testbed.nats = Some(Nats::start(config).await?);
        Ok(testbed)
    }

    /// A nats-server and a PostgreSQL.
    pub async fn start_with_postgres() -> Result<Self, Error> {
        let mut testbed = Self::start().await?;
        testbed.postgres = Some(testbed.start_postgres().await?);
        Ok(testbed)
    }

    /// A PostgreSQL alone.
    pub async fn start_postgres_only() -> Result<Self, Error> {
        let mut testbed = Self::empty()?;
        testbed.postgres = Some(testbed.start_postgres().await?);
        Ok(testbed)
    }

    /// Three nats-servers as one cluster.
    pub async fn start_cluster() -> Result<Self, Error> {
        let mut testbed = Self::empty()?;
        testbed.cluster = Some(NatsCluster::start(&Tools::default(), testbed.path()).await?);
        Ok(testbed)
    }

    /// The nats-server.
    ///
    /// # Panics
    /// If the test did not ask for one.
    pub fn nats(&mut self) -> &mut Nats {
        self.nats.as_mut().expect("the test starts a nats-server")
    }

    /// The three nats-servers.
    ///
    /// # Panics
    /// If the test did not ask for them.
    pub fn cluster(&mut self) -> &mut NatsCluster {
        self.cluster.as_mut().expect("the test starts a cluster")
    }

    /// The PostgreSQL.
    ///
    /// # Panics
    /// If the test did not ask for one.
    pub fn postgres(&mut self) -> &mut Postgres {
        self.postgres
            .as_mut()
            .expect("the test starts a PostgreSQL")
    }

    /// The folder of the test.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn empty() -> Result<Self, Error> {
        let directory = TempDir::with_prefix("runlog-test-")
            .map_err(Error::io("create a folder in", &std::env::temp_dir()))?;
        Ok(Self {
            nats: None,
            cluster: None,
            postgres: None,
            directory,
        })
    }

    async fn start_postgres(&self) -> Result<Postgres, Error> {
        let tools = Tools::default();
        let template = template(&tools).await?;
        let data_dir = self.path().join("postgres");
        copy(&template, &data_dir).map_err(Error::io("copy", &template))?;
        let config = PostgresConfig {
            tools,
            data_dir,
            port: None,
            durability: Durability::Disposable,
        };
        Postgres::start(config).await
    }
}

/// The data folder that tests copy; made by whoever comes first.
async fn template(tools: &Tools) -> Result<PathBuf, Error> {
    let bin = tools.postgres_bin(None)?;
    let version: String = bin
        .display()
        .to_string()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let cache = std::env::temp_dir().join(format!("runlog-test-templates-{}", geteuid()));
    files::make_private(&cache)?;
    refuse_foreign(&cache)?;
    let lock_path = cache.join("lock");
    let lock = File::create(&lock_path).map_err(Error::io("open", &lock_path))?;
    // Another test may be making the template; that ends by itself.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
        .await
        .expect("locking does not panic");
    let _lock = lock.map_err(Error::io("lock", &lock_path))?;
    let folder = cache.join(version.trim_matches('-'));
    let dir = ClusterDir::open(tools, &folder)?;
    dir.password()?;
    dir.create_if_missing(Durability::Disposable).await?;
    Ok(folder)
}

/// In a folder for everybody, somebody else may have been faster.
fn refuse_foreign(folder: &Path) -> Result<(), Error> {
    let owner = fs::symlink_metadata(folder)
        .map_err(Error::io("look at", folder))?
        .uid();
    if owner == geteuid().as_raw() {
        Ok(())
    } else {
        Err(Error::InUse {
            directory: folder.to_owned(),
        })
    }
}

/// Copies a folder with modes and owners.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let meta = fs::symlink_metadata(from)?;
    if meta.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        fs::set_permissions(to, meta.permissions())?;
    } else {
        fs::copy(from, to)?;
    }
    if geteuid().is_root() {
        chown(to, Some(meta.uid()), Some(meta.gid()))
    } else {
        Ok(())
    }
}

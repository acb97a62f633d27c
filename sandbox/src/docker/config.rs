//! The Docker engine's settings.

use std::path::PathBuf;

use crate::native::UidRange;

/// How the Docker engine is set up.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// The socket of the Docker daemon, which must be on this machine.
    pub socket: PathBuf,
    /// What runs the containers.
    pub runtime: Runtime,
    /// The image that cells are made from. It is never fetched.
    pub image: String,
    /// A program of this machine that calls
    /// [`container_init_main`](super::container_init_main) first of all when it gets
    /// [`init_args`](Self::init_args). Containers see it, read-only.
    pub init: PathBuf,
    /// The arguments that make that program a container's init.
    pub init_args: Vec<String>,
    /// Further folders or files of this machine that every cell sees, read-only.
    pub mounts: Vec<crate::native::Mount>,
    /// Debian packages that the image should have been built with. One that was not is a
    /// [warning](super::DockerEngine::warnings); the languages that need it are not there.
    pub packages: Vec<String>,
    /// How many containers wait ready to be used. With 0 each is made when it is asked for.
    pub parked_cells: usize,
    /// Bytes that may be written in a parked cell; see
    /// [`NativeConfig`](crate::native::NativeConfig::parked_disk_bytes).
    pub parked_disk_bytes: u64,
    /// Where the control groups are mounted.
    pub cgroup_root: PathBuf,
    /// The uids and gids that containers run under.
    pub uids: UidRange,
}

/// An OCI runtime that the Docker daemon knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Containers that share the machine's kernel.
    Runc,
    /// gVisor: a kernel of its own for each container.
    Runsc,
}

impl Runtime {
    /// Its name in the daemon's configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Runc => "runc",
            Self::Runsc => "runsc",
        }
    }
}

impl std::str::FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "runc" => Ok(Self::Runc),
            "runsc" => Ok(Self::Runsc),
            other => Err(format!(
                "{other:?} is no runtime that Runlog knows; it is runc or runsc"
            )),
        }
    }
}

/// The image that `make images` gives this name.
pub const DEFAULT_IMAGE: &str = "runlog-all";

impl DockerConfig {
    /// Settings for an init that this very program becomes with the argument `container-init`.
    ///
    /// # Errors
    /// The program's own path is unknown.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            socket: PathBuf::from("/var/run/docker.sock"),
            runtime: Runtime::Runc,
            image: DEFAULT_IMAGE.to_owned(),
            init: std::env::current_exe()?,
            init_args: vec!["container-init".to_owned()],
            mounts: Vec::new(),
            packages: Vec::new(),
            parked_cells: 2,
            parked_disk_bytes: 64 << 20,
            cgroup_root: PathBuf::from("/sys/fs/cgroup"),
            uids: UidRange::default(),
        })
    }
}

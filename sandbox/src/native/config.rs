//! The native engine's settings.

use std::ffi::OsString;
use std::path::PathBuf;

/// How the native engine is set up.
#[derive(Clone, Debug)]
pub struct NativeConfig {
    /// The command that becomes the spawner: a program that calls
    /// [`spawner_main`](super::spawner_main) first of all.
    pub spawner: SpawnerCommand,
    /// How many cells wait ready to be used. With 0 every cell is made when it is asked for.
    pub parked_cells: usize,
    /// Bytes that may be written in a parked cell; one that asks for another size is resized
    /// when it is taken, which costs some microseconds.
    pub parked_disk_bytes: u64,
    /// Folders of the host that every cell sees, read-only, in addition to `/usr`.
    pub mounts: Vec<Mount>,
    /// Names in the host's `/etc` that are copied into every cell's, as far as they are readable
    /// by everybody; a name that is not there is passed over.
    pub etc: Vec<String>,
    /// Where the control groups are mounted.
    pub cgroup_root: PathBuf,
    /// The first of the host's uids and gids that cells may use; they take about 2^30 from there,
    /// spread by the engine's process id, so that engines on one machine keep apart.
    pub uid_base: u32,
}

/// A program and its arguments.
#[derive(Clone, Debug)]
pub struct SpawnerCommand {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A folder or file of the host that is seen in the cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its path on the host.
    pub host: PathBuf,
    /// Its absolute path in the cell.
    pub inside: PathBuf,
}

impl NativeConfig {
    /// Settings for a spawner that this very program becomes with the argument `cell-spawner`.
    pub fn new() -> Self {
        Self {
            spawner: SpawnerCommand {
                program: PathBuf::from("/proc/self/exe"),
                args: vec!["cell-spawner".into()],
            },
            parked_cells: 2,
            parked_disk_bytes: 64 << 20,
            mounts: Vec::new(),
            etc: DEFAULT_ETC.iter().map(|&name| name.to_owned()).collect(),
            cgroup_root: PathBuf::from("/sys/fs/cgroup"),
            uid_base: 0x1000_0000,
        }
    }
}

impl Default for NativeConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// What the toolchains of the usual languages read, nothing that tells about the host.
const DEFAULT_ETC: &[&str] = &[
    "alternatives",
    "ca-certificates.conf",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "java-25-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "locale.alias",
    "mime.types",
    "perl",
    "php",
    "protocols",
    "python3",
    "python3.11",
    "python3.13",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
];

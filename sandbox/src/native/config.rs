//! The native engine's settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::layer::Layer;
use super::uids::UidRange;

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
    /// Runtimes that wait started, so that a step need not start them.
    pub warm_hosts: Vec<WarmHost>,
    /// Bytes of memory that all parked cells together may take. Beyond them no more are parked.
    pub parked_bytes: u64,
    /// The shared library of this crate, for warm hosts that are forked. Without it those steps
    /// start their runtime themselves.
    pub library: Option<PathBuf>,
    /// Where the control groups are mounted.
    pub cgroup_root: PathBuf,
    /// The host's uids and gids that cells may use.
    pub uids: UidRange,
    /// Required layers of isolation that may be missing all the same. A program may then do what
    /// that layer would keep it from.
    pub allow_missing: Vec<Layer>,
    /// What the engine and its cells do badly on purpose.
    #[cfg(feature = "weaken")]
    pub weaken: Option<super::Weakening>,
}

/// A program and its arguments.
#[derive(Clone, Debug)]
pub struct SpawnerCommand {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A runtime that is started before it is needed; what it then runs cannot tell.
///
/// Its program must run no code of anybody else's before it is told to go, and is one process until
/// then. It learns what to do from descriptor 3, until that ends: the number of words, the words, and the
/// variables of the environment as `NAME=VALUE`, each ended by a NUL. See [`WarmWay`] for what it
/// does before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmHost {
    /// Its name, for [`CellSpec::warm`](crate::CellSpec::warm): lower-case letters, digits, `-`
    /// and `_`.
    pub name: String,
    /// How it comes into the cells.
    pub way: WarmWay,
    /// What is started: one runtime, or where it is started in each cell also two, each for one
    /// step and in the order of these.
    pub runtimes: Vec<WarmRuntime>,
    /// Files for [`WarmHost::folder`]: plain names, and what is in them. For a forked one also
    /// whole paths in [`WarmHost::WORKING_DIRECTORY`], which its cells do not see.
    pub files: Vec<(String, Bytes)>,
    /// How many cells of it wait although nobody has asked for one in a while.
    pub least_parked: usize,
    /// How many cells of it wait at the most.
    pub most_parked: usize,
}

/// A runtime of a warm host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmRuntime {
    /// The command that starts it.
    pub argv: Vec<String>,
    /// Its whole environment until it is told the program's.
    pub env: Vec<(String, String)>,
}

impl WarmHost {
    /// Where runtimes start, and programs run.
    pub const WORKING_DIRECTORY: &str = "/box";

    /// Where the files of the host with this name are for it. Those of a forked one are out of
    /// its cells' sight, below the disk that each cell has for itself.
    pub fn folder(way: WarmWay, name: &str) -> String {
        match way {
            WarmWay::Fork => format!("{FORKED_FOLDER}/{name}"),
            WarmWay::Start => format!("{STARTED_FOLDER}/{name}"),
        }
    }
}

/// The folders of the files of all warm hosts.
const FORKED_FOLDER: &str = "/box/warm";
const STARTED_FOLDER: &str = "/opt/warm";

/// Where a forked host finds [`NativeConfig::library`].
pub(super) const LIBRARY: &str = "/box/warm/runlog_cells.so";

/// How a warm runtime comes into a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmWay {
    /// Cells are forked out of a runtime that has started once and never runs a program itself.
    /// With one thread alone it loads `/box/warm/runlog_cells.so`, in whichever way it loads
    /// libraries. That returns, as a library that it cannot use, in a process of a new cell that
    /// has been told to go, with its streams and with descriptor 3. A runtime that the library
    /// itself knows has it in `LD_PRELOAD`: it is stopped at a place of its own code, and forks go
    /// on there with arguments and environment in place.
    Fork,
    /// It is started in each cell. When it is ready it writes a byte to descriptor 4, closes
    /// that, and reads descriptor 3. Its standard streams are pipes from the beginning; a step
    /// on a terminal is not for it.
    Start,
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
            warm_hosts: Vec::new(),
            parked_bytes: 512 << 20,
            library: find_library(),
            etc: DEFAULT_ETC.iter().map(|&name| name.to_owned()).collect(),
            cgroup_root: PathBuf::from("/sys/fs/cgroup"),
            uids: UidRange::default(),
            allow_missing: Vec::new(),
            #[cfg(feature = "weaken")]
            weaken: None,
        }
    }
}

/// The library beside this very program, where it was installed or built.
fn find_library() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let name = Path::new("librunlog_sandbox.so");
    // Tests and examples are one folder further down than programs.
    let above = folder.parent().unwrap_or(folder);
    let places = [
        above.join("lib"),
        folder.to_owned(),
        folder.join("deps"),
        above.to_owned(),
        above.join("deps"),
    ];
    let mut paths = places.into_iter().map(|place| place.join(name));
    paths.find(|path| path.is_file())
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

//! The only place of this crate that reads the environment.

use std::env;
use std::path::PathBuf;

/// Directories of `PATH`, in order.
pub(crate) fn search_path() -> Vec<PathBuf> {
    variable("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default()
}

/// Where the search for `.runlog/tools` starts: the current directory, and
/// the crate under test when Cargo runs us.
pub(crate) fn search_starts() -> Vec<PathBuf> {
    let manifest = variable("CARGO_MANIFEST_DIR").map(PathBuf::from);
    env::current_dir()
        .ok()
        .into_iter()
        .chain(manifest)
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the config file of the crate"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name)
}

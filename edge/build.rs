//! Puts the built page into the program: a table of the files under `web/dist`.
//!
//! Where the page has not been built the table is empty, so that the program builds without Node.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells its build scripts through the environment alone"
)]
fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut table = String::from("&[\n");
    for path in files(&dist)? {
        let name = path.strip_prefix(&dist).map_err(io::Error::other)?;
        let name = name.to_string_lossy().replace('\\', "/");
        let _ = writeln!(
            table,
            "Asset {{ path: {:?}, plain: {}, gzip: {}, brotli: {} }},",
            format!("/{name}"),
            include(&path),
            compressed(&path, "gz"),
            compressed(&path, "br"),
        );
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("page.rs"), table)
}

/// The files to serve, in order; not their compressed forms and nothing hidden.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let compressed = path
            .extension()
            .is_some_and(|ending| ending == "gz" || ending == "br");
        if path.is_dir() && !hidden {
            found.extend(files(&path)?);
        } else if !hidden && !compressed {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn compressed(path: &Path, ending: &str) -> String {
    let mut path = path.as_os_str().to_owned();
    path.push(format!(".{ending}"));
    let path = PathBuf::from(path);
    if path.is_file() {
        format!("Some({})", include(&path))
    } else {
        "None".to_owned()
    }
}

fn include(path: &Path) -> String {
    format!("include_bytes!({:?})", path.to_string_lossy())
}

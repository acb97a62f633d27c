//! What a machine's toolchains are, beyond the versions that they tell: a compiler with another patch
//! of its distribution, or other headers, may make another program.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::key::hex;
use crate::toolchain::Mount;

/// Every package of the system, with its version.
const PACKAGES: &str = "/var/lib/dpkg/status";

/// What a folder that `make setup` made was made from.
const STAMP: &str = ".stamp";

/// Tells apart machines whose compilers could differ, and notices when one changes.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    packages: PathBuf,
    trees: Vec<Mount>,
    /// What this processor can do: `-march=native` depends on it.
    processor: String,
    last: Mutex<Option<(Looks, String)>>,
}

/// How the files that count look from outside: device, inode, size and time of change.
type Looks = BTreeMap<PathBuf, [i64; 5]>;

impl Identity {
    /// Of this machine, for an engine whose cells see its `/usr` and these trees. `None` where
    /// nothing tells which packages it has.
    #[must_use]
    pub(crate) fn of_host(trees: &[Mount]) -> Option<Self> {
        let identity = Self::of(Path::new(PACKAGES), trees, &processor());
        identity.current().is_some().then_some(identity)
    }

    fn of(packages: &Path, trees: &[Mount], processor: &str) -> Self {
        Self(Arc::new(Inner {
            packages: packages.to_owned(),
            trees: trees.to_vec(),
            processor: processor.to_owned(),
            last: Mutex::new(None),
        }))
    }

    /// A digest of what there is now; `None` if that cannot be told.
    pub(super) fn current(&self) -> Option<String> {
        let looks = self.looks().ok()?;
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, digest)) = &*last
            && *before == looks
        {
            return Some(digest.clone());
        }
        let digest = self.digest().ok()?;
        *last = Some((looks, digest.clone()));
        Some(digest)
    }

    fn looks(&self) -> io::Result<Looks> {
        let mut looks = Looks::new();
        look(&self.0.packages, &mut looks)?;
        for tree in &self.0.trees {
            for path in significant(&tree.host)? {
                look(&path, &mut looks)?;
            }
        }
        Ok(looks)
    }

    fn digest(&self) -> io::Result<String> {
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(fs::read(&self.0.packages)?));
        digest.update(Sha256::digest(&self.0.processor));
        for tree in &self.0.trees {
            digest.update(Sha256::digest(tree.inside.as_os_str().as_encoded_bytes()));
            let stamp = tree.host.join(STAMP);
            if stamp.is_file() {
                digest.update(Sha256::digest(fs::read(stamp)?));
                continue;
            }
            // Of no known origin: only this machine, as it is now.
            let mut looks = Looks::new();
            for path in significant(&tree.host)? {
                look(&path, &mut looks)?;
            }
            digest.update(Sha256::digest(format!("{looks:?}")));
        }
        Ok(hex(&digest.finalize()))
    }
}

/// The stamp of a tree, or else the tree itself and what lies directly in it.
fn significant(tree: &Path) -> io::Result<Vec<PathBuf>> {
    let stamp = tree.join(STAMP);
    if stamp.is_file() {
        return Ok(vec![stamp]);
    }
    let mut paths = vec![tree.to_owned()];
    if tree.is_dir() {
        for entry in fs::read_dir(tree)? {
            paths.push(entry?.path());
        }
    }
    Ok(paths)
}

fn look(path: &Path, looks: &mut Looks) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let look = [
        found.dev().cast_signed(),
        found.ino().cast_signed(),
        found.size().cast_signed(),
        found.ctime(),
        found.ctime_nsec(),
    ];
    looks.insert(path.to_owned(), look);
    Ok(())
}

fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let lines = told.lines().take_while(|line| !line.is_empty());
    let telling = lines.filter(|line| {
        let name = line.split(':').next().unwrap_or_default().trim();
        matches!(
            name,
            "vendor_id" | "cpu family" | "model" | "flags" | "Features"
        )
    });
    telling.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_makes_another_identity() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("status"), "gcc 12").unwrap();
        for tree in ["stamped", "plain"] {
            fs::create_dir(at(tree)).unwrap();
            fs::write(at(tree).join("tool"), "1").unwrap();
        }
        fs::write(at("stamped").join(STAMP), "a").unwrap();
        let tree = |name: &str| Mount {
            inside: Path::new("/opt").join(name),
            host: at(name),
        };
        let trees = [tree("stamped"), tree("plain")];
        let identity = Identity::of(&at("status"), &trees, "flags : sse");
        let first = identity.current().unwrap();
        assert_eq!(identity.current().unwrap(), first);
        let same = Identity::of(&at("status"), &trees, "flags : sse");
        assert_eq!(same.current().unwrap(), first);
        let other = Identity::of(&at("status"), &trees, "flags : avx");
        let mut all = vec![first, other.current().unwrap()];
        for (file, text) in [
            ("status", "gcc 13"),
            ("stamped/.stamp", "b"),
            ("plain/tool", "22"),
            ("plain/new", ""),
        ] {
            fs::write(at(file), text).unwrap();
            all.push(identity.current().unwrap());
        }
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
        fs::write(at("stamped/tool"), "not looked at").unwrap();
        assert_eq!(identity.current().as_ref(), all.last());
        fs::remove_file(at("status")).unwrap();
        assert_eq!(identity.current(), None);
    }
}

//! The root that all cells of a spawner share: read-only, with nothing of the host in it but the
//! toolchains.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::thread::UnshareFlags;

use super::super::config::Mount;
use super::super::protocol::Setup;
use super::super::sys;
use super::super::weaken::{self, Weakening};
use super::super::wire::{Doing, Failure};
use super::{etc, veil};

/// Where the new root is put together: in a mount namespace of our own, so nobody sees it there.
const STAGE: &str = "/tmp";

/// Folders that are empty, or mounted over in every cell.
const FOLDERS: &[&str] = &[
    "box", "dev", "dev/pts", "dev/shm", "etc", "mnt", "opt", "proc", "run", "sys", "tmp", "usr",
    "var",
];

/// Links that a Debian root has where nothing of the host is behind them.
const LINKS: &[(&str, &str)] = &[
    ("/tmp", "var/tmp"),
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
    ("pts/ptmx", "dev/ptmx"),
];

/// On merged systems links into `/usr`, elsewhere folders of their own.
const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// Character devices: name, major and minor number.
const DEVICES: &[(&str, u32, u32)] = &[
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID;

/// Makes the root and enters it; nothing of the host's is reachable by path afterwards.
pub(super) fn enter(setup: &Setup) -> Result<(), Failure> {
    sys::unshare(UnshareFlags::NEWNS).doing("making a mount namespace (needs root)")?;
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .doing("making all mounts private")?;
    // What comes from the host is picked up before the stage may hide it.
    let trees = pick_up(setup)?;
    let copies = etc::read(&setup.etc);
    rustix::mount::mount(
        "runlog",
        STAGE,
        "tmpfs",
        MountFlags::NOSUID,
        c"mode=755,size=32m",
    )
    .doing("mounting a tmpfs for the cells' root")?;
    let stage = Path::new(STAGE);
    lay_out(stage).doing("laying out the cells' root")?;
    etc::write(&stage.join("etc"), &copies).doing("writing the cells' /etc")?;
    for (path, content) in &setup.files {
        write_file(stage, path, content)
            .doing(&format!("writing the cells' {}", path.display()))?;
    }
    devices(stage)?;
    for (tree, mount) in trees {
        let target = attach(&tree, stage, &mount.inside)?;
        // Its place on the host is nobody's business, unless it is the same.
        let bare = weaken::is(Weakening::Unveiled) || weaken::is(Weakening::Writable);
        if mount.host != mount.inside && target.is_dir() && !bare {
            veil::draw(&target, &stage.join("mnt"));
        }
    }
    pivot(stage)
}

/// Copies of the host's mounts that the cells see, read-only with all that is mounted in them.
fn pick_up(setup: &Setup) -> Result<Vec<(OwnedFd, Mount)>, Failure> {
    let own = |name: &str| {
        let path = Path::new("/").join(name);
        Mount {
            host: path.clone(),
            inside: path,
        }
    };
    let unmerged = MERGED.iter().filter(|name| {
        fs::symlink_metadata(Path::new("/").join(name)).is_ok_and(|found| found.is_dir())
    });
    let mut mounts: Vec<_> = unmerged.map(|name| own(name)).chain([own("usr")]).collect();
    mounts.extend(setup.mounts.iter().cloned());
    // Parents first, so that none hides its child.
    mounts.sort_by_key(|mount| mount.inside.components().count());
    mounts.into_iter().map(pick_up_one).collect()
}

fn pick_up_one(mount: Mount) -> Result<(OwnedFd, Mount), Failure> {
    let what = format!("taking {} into the cells", mount.host.display());
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(CWD, &mount.host, flags).doing(&what)?;
    if !weaken::is(Weakening::Writable) {
        sys::mount_attributes(&tree, READ_ONLY | libc::MOUNT_ATTR_NODEV).doing(&what)?;
    }
    Ok((tree, mount))
}

fn lay_out(stage: &Path) -> io::Result<()> {
    for folder in FOLDERS {
        fs::create_dir_all(stage.join(folder))?;
        fs::set_permissions(stage.join(folder), fs::Permissions::from_mode(0o755))?;
    }
    for (target, link) in LINKS {
        symlink(target, stage.join(link))?;
    }
    for name in MERGED {
        if let Ok(target) = fs::read_link(Path::new("/").join(name)) {
            symlink(target, stage.join(name))?;
        }
    }
    Ok(())
}

fn write_file(stage: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let path = stage.join(path.strip_prefix("/").map_err(io::Error::other)?);
    fs::create_dir_all(path.parent().unwrap_or(stage))?;
    fs::write(&path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

fn devices(stage: &Path) -> Result<(), Failure> {
    let old_mask = rustix::process::umask(Mode::empty());
    for (name, major, minor) in DEVICES {
        let path = stage.join("dev").join(name);
        let device = rustix::fs::makedev(*major, *minor);
        let mode = Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(CWD, &path, FileType::CharacterDevice, mode, device)
            .doing(&format!("making the cells' /dev/{name}"))?;
    }
    rustix::process::umask(old_mask);
    Ok(())
}

/// Mounts a tree and gives its place on the stage.
fn attach(tree: &OwnedFd, stage: &Path, inside: &Path) -> Result<PathBuf, Failure> {
    let what = format!("mounting {} in the cells", inside.display());
    let relative = inside
        .strip_prefix("/")
        .map_err(io::Error::other)
        .doing(&what)?;
    let target = stage.join(relative);
    let found = rustix::fs::fstat(tree).doing(&what)?;
    let is_folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
    if !target.exists() {
        if is_folder {
            fs::create_dir_all(&target).doing(&what)?;
        } else {
            fs::create_dir_all(target.parent().unwrap_or(stage)).doing(&what)?;
            fs::write(&target, "").doing(&what)?;
        }
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(tree, "", CWD, &target, flags).doing(&what)?;
    Ok(target)
}

/// Makes the stage the root and lets go of the host's.
fn pivot(stage: &Path) -> Result<(), Failure> {
    let what = "changing to the cells' root";
    rustix::process::chdir(stage).doing(what)?;
    rustix::process::pivot_root(".", ".").doing(what)?;
    // The old root is now mounted over the new one.
    rustix::mount::unmount(".", UnmountFlags::DETACH).doing("letting go of the host's root")?;
    rustix::process::chdir("/").doing(what)?;
    if weaken::is(Weakening::Writable) {
        return Ok(());
    }
    let root = rustix::fs::open("/", rustix::fs::OFlags::PATH, Mode::empty()).doing(what)?;
    sys::mount_attributes(&root, READ_ONLY).doing("making the cells' root read-only")
}

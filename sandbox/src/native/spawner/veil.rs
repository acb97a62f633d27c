//! Hides where on the host a folder of the cells comes from.
//!
//! The kernel lists every mount with its place in the file system that it is from, and a program
//! can read that list. An overlay of a single folder shows the same files, from the same page
//! cache, as the root of a file system of its own.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags};

/// Replaces the mount on a folder by an overlay of it. `empty` is an empty folder, as the kernel
/// wants two layers.
///
/// Where that is impossible the mount stays, and shows its place: the kernel may have no such
/// file system, or not above this one, and other mounts below the folder would be lost.
pub(super) fn draw(folder: &Path, empty: &Path) {
    if let (false, Ok(overlay)) = (has_mounts_below(folder), overlay(folder, empty)) {
        // Either all of it works or, with the mount gone, the first run says what is missing.
        if rustix::mount::unmount(folder, UnmountFlags::DETACH).is_ok() {
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            let _ = rustix::mount::move_mount(overlay, "", CWD, folder, flags);
        }
    }
}

fn overlay(folder: &Path, empty: &Path) -> io::Result<OwnedFd> {
    let open = |path| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty())
    };
    let (below, nothing) = (open(folder)?, open(empty)?);
    // Shown in the list as they are written here, and numbers tell nothing.
    let layers = format!(
        "/proc/self/fd/{}:/proc/self/fd/{}",
        below.as_raw_fd(),
        nothing.as_raw_fd()
    );
    let overlay = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(&overlay, "source", "tools")?;
    rustix::mount::fsconfig_set_string(&overlay, "lowerdir", layers)?;
    rustix::mount::fsconfig_create(&overlay)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(
        &overlay,
        FsMountFlags::FSMOUNT_CLOEXEC,
        attributes,
    )?)
}

fn has_mounts_below(folder: &Path) -> bool {
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else {
        return true;
    };
    let places = mounts
        .lines()
        .filter_map(|line| line.split_whitespace().nth(4));
    places
        .map(Path::new)
        .any(|place| place != folder && place.starts_with(folder))
}

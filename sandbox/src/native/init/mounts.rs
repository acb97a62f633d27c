//! The mounts that a cell has for itself, made while its init still has the host's rights.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountFlags, OpenTreeFlags, UnmountFlags};

use super::super::protocol::Make;
use super::super::sys;
use super::super::weaken::{self, Weakening};
use super::super::wire::{Doing, Failure, Reader, Writer};

/// What of `/proc` tells about the machine beyond what programs need. Most of it is for the
/// host's root alone anyway, depending on the kernel.
pub(crate) const REVEALING: &[&str] = &[
    "acpi",
    "asound",
    "bus",
    "cmdline",
    "config.gz",
    "diskstats",
    "driver",
    "fs",
    "iomem",
    "ioports",
    "irq",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "locks",
    "modules",
    "mtrr",
    "partitions",
    "sched_debug",
    "scsi",
    "slabinfo",
    "sysvipc",
    "timer_list",
    "vmallocinfo",
];

/// What must be covered in a cell's `/proc`, with what is empty of the same kind.
pub(in super::super) struct Covers(Vec<Cover>);

struct Cover {
    path: String,
    is_folder: bool,
}

impl Covers {
    /// Looks at this kernel's `/proc`: what nobody but the host's root can read needs no cover.
    pub(in super::super) fn find() -> Self {
        let cover = |name: &&str| {
            let path = format!("/proc/{name}");
            let found = fs::symlink_metadata(&path).ok()?;
            let for_everybody = found.permissions().mode() & 0o004 != 0;
            let is_folder = found.is_dir();
            for_everybody.then_some(Cover { path, is_folder })
        };
        Self(REVEALING.iter().filter_map(cover).collect())
    }

    pub(in super::super) fn write(&self, writer: Writer) -> Writer {
        writer.list(&self.0, |writer, cover| {
            writer
                .bytes(cover.path.as_bytes())
                .u32(cover.is_folder.into())
        })
    }

    pub(in super::super) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let covers = reader.list(|reader| {
            let path = String::from_utf8_lossy(reader.bytes()?).into_owned();
            let is_folder = reader.u32()? != 0;
            Ok(Cover { path, is_folder })
        });
        covers.map(Self)
    }
}

/// Files of `/proc` that init still needs when it can no longer open them.
pub(super) struct Proc {
    /// Its root, still writable, and mounted nowhere.
    pub(super) root: OwnedFd,
    /// `/proc/self/io`
    pub(super) io: OwnedFd,
}

/// Makes the mounts.
pub(super) fn make(make: &Make, covers: &Covers) -> Result<Proc, Failure> {
    disk(make)?;
    let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount(
        "devpts",
        "/dev/pts",
        "devpts",
        quiet,
        // A kernel has four thousand terminals in all: no cell may have more than its share.
        c"newinstance,ptmxmode=666,mode=600,max=64",
    )
    .doing("mounting the cell's terminals")?;
    rustix::mount::mount(
        "proc",
        "/proc",
        "proc",
        quiet | MountFlags::NODEV,
        if weaken::is(Weakening::ProcOthers) {
            c"hidepid=0"
        } else {
            c"hidepid=2"
        },
    )
    .doing("mounting the cell's /proc")?;
    let what = "preparing the cell's /proc";
    let clone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let root = rustix::mount::open_tree(CWD, "/proc", clone).doing(what)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let io = rustix::fs::open("/proc/self/io", flags, Mode::empty()).doing(what)?;
    // When memory is short, cells go before anything of the host's.
    fs::write("/proc/self/oom_score_adj", "1000").doing("offering the cell to the OOM killer")?;
    cover_proc(covers)?;
    // Without a namespace it would be the machine's name.
    if !weaken::is(Weakening::Uts) {
        rustix::system::sethostname(b"runlog").doing("naming the cell")?;
    }
    sys::bring_loopback_up().doing("bringing the cell's loopback up")?;
    Ok(Proc { root, io })
}

/// One tmpfs is all that a cell can write to, seen in three places, so that its size is the sum.
fn disk(make: &Make) -> Result<(), Failure> {
    let what = "mounting the cell's disk";
    let or_none = |weakening, limit| if weaken::is(weakening) { 0 } else { limit };
    let options = format!(
        "mode=755,size={},nr_inodes={}",
        or_none(Weakening::DiskSize, make.disk_bytes),
        or_none(Weakening::Inodes, make.inodes)
    );
    let options = std::ffi::CString::new(options)
        .map_err(io::Error::other)
        .doing(what)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("box", "/mnt", "tmpfs", flags, options.as_c_str()).doing(what)?;
    let program = make.uid + super::PROGRAM_OFFSET;
    for (part, place, mode) in [
        ("/mnt/box", "/box", 0o755),
        ("/mnt/tmp", "/tmp", 0o1777),
        ("/mnt/shm", "/dev/shm", 0o1777),
    ] {
        fs::create_dir(part).doing(what)?;
        fs::set_permissions(part, fs::Permissions::from_mode(mode)).doing(what)?;
        chown(part, Some(program), Some(program)).doing(what)?;
        rustix::mount::mount_bind(part, place).doing(what)?;
    }
    rustix::mount::unmount("/mnt", UnmountFlags::empty()).doing(what)
}

fn cover_proc(covers: &Covers) -> Result<(), Failure> {
    let covers = match weaken::is(Weakening::ProcCovers) {
        true => &[][..],
        false => &covers.0,
    };
    for Cover { path, is_folder } in covers {
        // Both are on the cells' read-only root.
        let empty = if *is_folder { "/mnt" } else { "/dev/null" };
        rustix::mount::mount_bind(empty, path).doing(&format!("covering {path}"))?;
    }
    if weaken::is(Weakening::ProcWritable) {
        return Ok(());
    }
    // A program could else take itself out of the OOM killer's sight.
    let what = "making /proc read-only";
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    sys::mount_attributes(proc.doing(what)?, libc::MOUNT_ATTR_RDONLY).doing(what)
}

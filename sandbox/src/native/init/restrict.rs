//! What a process of a cell gives up before it runs anything of a program's.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::process::{Gid, Pid, Resource, Rlimit, Uid};

use super::super::landlock::{self, Allowed};
use super::super::sys;
use super::super::weaken::{self, Weakening};
use super::super::wire::{Doing, Failure};
use super::{PROGRAM, put};

/// What a program gets at the most, soft and hard. The stack: deep recursion has room, an endless
/// one ends.
const LIMITS: [(Resource, u64); 4] = [
    (Resource::Core, 0),
    (Resource::Memlock, 64 << 10),
    (Resource::Nofile, 1024),
    (Resource::Stack, 64 << 20),
];

/// What the program may write to.
pub(crate) const WRITABLE: Allowed<'_> = Allowed {
    own: &["/box", "/tmp", "/dev/shm"],
    change: &["/dev"],
};

/// Takes away everything that the program must not have, all descriptors but `keep` included.
/// The order matters: the bounding set is empty already, limits and groups need rights that the
/// uid then gives up, and from the filter on only what the program may do works here too.
pub(super) fn restrict(
    keep: &[BorrowedFd<'_>],
    filter: &[libc::sock_filter],
) -> Result<(), Failure> {
    sys::reset_signals();
    sys::close_all_from(3, keep).doing("closing descriptors")?;
    rustix::process::chdir("/box").doing("entering the working directory")?;
    rustix::process::setsid().doing("starting a session")?;
    rustix::process::umask(put::UMASK);
    limit_all()?;
    let what = "becoming the program's user";
    let (uid, gid) = (Uid::from_raw(PROGRAM), Gid::from_raw(PROGRAM));
    if !weaken::is(Weakening::Uid) {
        rustix::thread::set_thread_res_gid(gid, gid, gid).doing(what)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).doing(what)?;
    }
    rustix::thread::set_no_new_privs(true).doing("forbidding new privileges")?;
    let is_free = weaken::is(Weakening::Writable) || weaken::is(Weakening::ProcWritable);
    if !is_free {
        landlock::restrict(&WRITABLE).doing("restricting what can be written")?;
    }
    if weaken::is(Weakening::Filter) {
        return Ok(());
    }
    sys::install_filter(filter).doing("installing the system call filter")
}

/// Sets the limits that are the same for every program. A runtime reads some of them when it
/// starts.
pub(crate) fn limit_all() -> Result<(), Failure> {
    for (resource, most) in LIMITS {
        let most = lowered(resource, most);
        rustix::process::setrlimit(resource, most).doing("setting resource limits")?;
    }
    Ok(())
}

/// Limits the size of files that a process (`None`: this one) writes.
pub(super) fn limit_files(process: Option<Pid>, bytes: u64) -> io::Result<()> {
    let most = lowered(Resource::Fsize, bytes);
    Ok(rustix::process::prlimit(process, Resource::Fsize, most).map(drop)?)
}

/// Both limits, as far as the hard one may be raised.
pub(crate) fn lowered(resource: Resource, most: u64) -> Rlimit {
    let hard = rustix::process::getrlimit(resource).maximum;
    let most = Some(hard.map_or(most, |hard| hard.min(most)));
    Rlimit {
        current: most,
        maximum: most,
    }
}

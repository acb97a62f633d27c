//! The policy: what is allowed as it is, and what with some arguments only.

use super::super::weaken::{self, Weakening};
use super::allowed::{COMMUNICATION, Call, FILES, MEMORY, OLD, PROCESSES, calls};
use super::{Action, Check, Policy};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

/// One above the newest number that was considered (`listns`).
const KNOWN: u32 = 471;

/// The policy for this machine's architecture.
pub(crate) fn policy() -> Policy {
    let allowed = FILES
        .iter()
        .chain(MEMORY)
        .chain(PROCESSES)
        .chain(COMMUNICATION)
        .chain(OLD);
    let mut table: Vec<_> = allowed
        .map(|&(_, number)| (number, Action::Allow))
        .collect();
    table.extend(special());
    weakened(&mut table);
    let table = table
        .into_iter()
        .map(|(number, action)| {
            (
                u32::try_from(number).expect("numbers are small and positive"),
                action,
            )
        })
        .collect();
    Policy {
        architecture: ARCHITECTURE,
        table,
        unlisted: Action::Fail(libc::EPERM),
        known: KNOWN,
    }
}

/// What the kernel's headers call a number, if it is one that the policy has something to say of.
pub(crate) fn name(number: u32) -> Option<&'static str> {
    let all = [FILES, MEMORY, PROCESSES, COMMUNICATION, OLD, SPECIAL];
    let mut all = all.into_iter().flatten();
    let (name, _) = all.find(|(_, known)| *known == libc::c_long::from(number))?;
    name.rsplit_once("SYS_").map(|(_, name)| name)
}

/// The names of what [`special`] is about, and of what Docker's profile has beside.
const SPECIAL: &[Call] = calls![
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_inotify_init1,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_inotify_init,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_ioctl,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_restrict_self,
    libc::SYS_personality,
    libc::SYS_seccomp,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_sync,
    libc::SYS_syncfs,
];

/// What is neither plainly allowed nor plainly refused.
fn special() -> Vec<(libc::c_long, Action)> {
    let only = |argument, check, otherwise| Action::Only {
        argument,
        check,
        otherwise,
    };
    vec![
        // Its flags are behind a pointer, out of a filter's sight; libraries fall back to clone.
        (libc::SYS_clone3, Action::Fail(libc::ENOSYS)),
        (libc::SYS_io_uring_setup, Action::Fail(libc::ENOSYS)),
        (libc::SYS_io_uring_enter, Action::Fail(libc::ENOSYS)),
        (libc::SYS_io_uring_register, Action::Fail(libc::ENOSYS)),
        (
            libc::SYS_clone,
            only(0, Check::WithoutBits(NEW_NAMESPACES), libc::EPERM),
        ),
        (
            libc::SYS_socket,
            only(
                0,
                Check::Among(SOCKET_FAMILIES.to_vec()),
                libc::EAFNOSUPPORT,
            ),
        ),
        (
            libc::SYS_socketpair,
            only(
                0,
                Check::Among(vec![libc::AF_UNIX as u32]),
                libc::EAFNOSUPPORT,
            ),
        ),
        (
            libc::SYS_ioctl,
            only(1, Check::NotAmong(REFUSED_IOCTLS.to_vec()), libc::EPERM),
        ),
        (
            libc::SYS_personality,
            only(0, Check::Among(PERSONALITIES.to_vec()), libc::EPERM),
        ),
        // Would flush the whole machine's disks; nothing in a cell outlives it anyway.
        (libc::SYS_sync, Action::Fail(0)),
        (libc::SYS_syncfs, Action::Fail(0)),
        // Would tell when others open the shared, read-only files.
        (libc::SYS_inotify_init1, Action::Fail(libc::ENOSYS)),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_inotify_init, Action::Fail(libc::ENOSYS)),
    ]
}

/// Opens what a weakness opens.
fn weakened(table: &mut Vec<(libc::c_long, Action)>) {
    let open: &[libc::c_long] = if weaken::is(Weakening::NewNamespaces) {
        table.push((libc::SYS_unshare, Action::Allow));
        &[libc::SYS_clone]
    } else if weaken::is(Weakening::SocketFamilies) {
        &[libc::SYS_socket]
    } else if weaken::is(Weakening::Ioctls) {
        &[libc::SYS_ioctl]
    } else {
        return;
    };
    for (number, action) in table {
        if open.contains(number) {
            *action = Action::Allow;
        }
    }
}

const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET)
    .cast_unsigned();

/// Harmless in a network namespace in which nothing is but its own loopback.
const SOCKET_FAMILIES: &[u32] = &[
    libc::AF_UNIX as u32,
    libc::AF_INET as u32,
    libc::AF_INET6 as u32,
];

/// Typing into a terminal, the console's extras, line disciplines that load modules.
const REFUSED_IOCTLS: &[u32] = &[
    libc::TIOCSTI as u32,
    libc::TIOCLINUX as u32,
    libc::TIOCSETD as u32,
    libc::TIOCCONS as u32,
];

/// Plain Linux, asking, and without address randomisation (which debuggers and sanitizers want).
const PERSONALITIES: &[u32] = &[0, u32::MAX, libc::ADDR_NO_RANDOMIZE as u32];

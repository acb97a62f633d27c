//! The list itself.

use super::super::weaken::{self, Weakening};
use super::{Action, Check, Policy};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

/// One above the newest number that was considered (`listns`).
const KNOWN: u32 = 471;

/// A system call's number by its name.
type Call = (&'static str, libc::c_long);

/// Both from what `libc` calls the number.
macro_rules! calls {
    ($($(#[$only:meta])? $number:path),* $(,)?) => {
        &[$($(#[$only])? (stringify!($number), $number)),*]
    };
}

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

const FILES: &[Call] = calls![
    libc::SYS_chdir,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fchdir,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_fgetxattr,
    libc::SYS_flistxattr,
    libc::SYS_flock,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_linkat,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_lremovexattr,
    libc::SYS_lseek,
    libc::SYS_lsetxattr,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_read,
    libc::SYS_readahead,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_removexattr,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_setxattr,
    libc::SYS_splice,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_symlinkat,
    libc::SYS_sync_file_range,
    libc::SYS_tee,
    libc::SYS_truncate,
    libc::SYS_umask,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
    libc::SYS_write,
    libc::SYS_writev,
];

const MEMORY: &[Call] = calls![
    libc::SYS_brk,
    libc::SYS_get_mempolicy,
    libc::SYS_madvise,
    libc::SYS_mbind,
    libc::SYS_membarrier,
    libc::SYS_memfd_create,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_mlock2,
    libc::SYS_mlockall,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_mseal,
    libc::SYS_msync,
    libc::SYS_munlock,
    libc::SYS_munlockall,
    libc::SYS_munmap,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    libc::SYS_remap_file_pages,
    libc::SYS_set_mempolicy,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmdt,
    libc::SYS_shmget,
];

const PROCESSES: &[Call] = calls![
    libc::SYS_capget,
    libc::SYS_capset,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getitimer,
    libc::SYS_getpgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpriority,
    libc::SYS_getrandom,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_ioprio_get,
    libc::SYS_kill,
    libc::SYS_nanosleep,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getattr,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_rr_get_interval,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_setfsgid,
    libc::SYS_setfsuid,
    libc::SYS_setgid,
    libc::SYS_setitimer,
    libc::SYS_setpgid,
    libc::SYS_setpriority,
    libc::SYS_setregid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setreuid,
    libc::SYS_setrlimit,
    libc::SYS_setsid,
    libc::SYS_setuid,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    libc::SYS_tgkill,
    libc::SYS_times,
    libc::SYS_tkill,
    libc::SYS_uname,
    libc::SYS_wait4,
    libc::SYS_waitid,
];

const COMMUNICATION: &[Call] = calls![
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_listen,
    libc::SYS_mq_getsetattr,
    libc::SYS_mq_notify,
    libc::SYS_mq_open,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_unlink,
    libc::SYS_msgctl,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_semctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_signalfd4,
    libc::SYS_timer_create,
    libc::SYS_timer_delete,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_gettime,
    libc::SYS_timer_settime,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_gettime,
    libc::SYS_timerfd_settime,
];

/// The older forms, which only this architecture has.
#[cfg(target_arch = "x86_64")]
const OLD: &[Call] = calls![
    libc::SYS_access,
    libc::SYS_alarm,
    libc::SYS_arch_prctl,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_creat,
    libc::SYS_dup2,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd,
    libc::SYS_fork,
    libc::SYS_futimesat,
    libc::SYS_getdents,
    libc::SYS_getpgrp,
    libc::SYS_lchown,
    libc::SYS_link,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_open,
    libc::SYS_pause,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_rmdir,
    libc::SYS_select,
    libc::SYS_signalfd,
    libc::SYS_stat,
    libc::SYS_symlink,
    libc::SYS_time,
    libc::SYS_unlink,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[Call] = calls![libc::SYS_renameat];

//! The few system calls that no safe wrapper offers.
//!
//! All but [`watch`] is for the single-threaded spawner, its cells' inits and their steps; the
//! worker never calls it.

#![expect(
    unsafe_code,
    reason = "raw system calls, each with its own safety comment"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::thread::UnshareFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Which side of a [`clone`] this is.
pub(crate) enum Forked {
    Child,
    Parent { pid: i32, pidfd: OwnedFd },
}

/// Has the runtime watch a descriptor, which from now on does not block.
pub(crate) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&fd, true)?;
    // SAFETY: the descriptor is owned by the AsyncFd and is neither replaced nor closed before.
    Ok(unsafe { AsyncFd::register(fd)? })
}

/// As [`watch`], for a descriptor that can only become readable and knows no blocking.
pub(crate) fn watch_for_reading(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: as above.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? })
}

/// Whether a descriptor is neither readable nor at its end.
pub(super) fn is_quiet(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let at_once = rustix::event::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut fds, Some(&at_once)) == Ok(0)
}

// libc's own constant is of a type that is too narrow for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Forks with extra flags, straight into a v2 control group if one is given.
pub(crate) fn clone(flags: i32, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    let mut pidfd: i32 = -1;
    let flags = flags | libc::CLONE_PIDFD;
    // SAFETY: clone_args is plain numbers, for which zero is valid.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from(flags.cast_unsigned());
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(address) = thread_id_address() {
        args.child_tid = address;
        args.flags |=
            u64::from((libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID).cast_unsigned());
    }
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM this is a fork: the child has its own copy of everything, and as
    // the caller is single-threaded no lock can be held by a thread that the child lacks.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of_val(&args)) };
    match pid {
        0 => Ok(Forked::Child),
        1.. => {
            // SAFETY: the kernel has just stored a new descriptor there, which nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent {
                pid: pid as i32,
                pidfd,
            })
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Where the C library keeps this thread's number. A fork behind its back must store the child's
/// there, since a runtime that goes on in the child asks the library. `None` where the kernel does
/// not say.
fn thread_id_address() -> Option<u64> {
    const PR_GET_TID_ADDRESS: i32 = 40;
    let mut address: u64 = 0;
    // SAFETY: the kernel writes one address there.
    let result = unsafe { libc::prctl(PR_GET_TID_ADDRESS, &raw mut address) };
    (result == 0 && address != 0).then_some(address)
}

/// Forks, and gives the child's number to the parent. For a container's init: its own filter
/// refuses what [`clone`] needs.
pub(crate) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: as the caller is single-threaded, the child lacks no thread that holds a lock.
    match unsafe { libc::fork() } {
        0 => Ok(None),
        pid @ 1.. => Ok(Some(pid)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Moves this process into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: only descriptor tables that are no longer shared are dangerous, and no caller
    // asks for those.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// Ends this process without running anything else.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: always allowed.
    unsafe { libc::_exit(code) }
}

/// How a child ended, as `wait4` reports it.
pub(crate) struct Reaped {
    pub(crate) pid: i32,
    pub(crate) status: i32,
}

/// Reaps a child; `None` when there is none left, or none yet if not to block.
pub(crate) fn reap(block: bool) -> Option<Reaped> {
    let mut status = 0;
    let flags = if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: status is ours to write; the usage may be null.
        let pid = unsafe { libc::wait4(-1, &raw mut status, flags, std::ptr::null_mut()) };
        match pid {
            1.. => return Some(Reaped { pid, status }),
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
}

/// Kills every process of this pid namespace but its init, which is the caller.
pub(crate) fn kill_all_others() {
    // SAFETY: a plain system call; that nobody was there to be killed is fine.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// Sends a signal to a process or, if negative, to a group of this pid namespace.
pub(crate) fn kill(pid: i32, signal: i32) {
    // SAFETY: a plain system call; that nobody was there is fine.
    unsafe { libc::kill(pid, signal) };
}

/// How long a service may have the processor at once: longer than nearly all that it does.
const SHORT_SLICE_NANOSECONDS: u64 = 200_000;

/// Has this thread, and those it makes and starts from now on, get the processor as soon as they
/// have something to do, for a short while each time, instead of when a program's turn is over.
///
/// For services that are between a program and who waits for it. It changes nothing of the share
/// of the processors that they get, and not what cells get.
pub fn take_short_turns() {
    // Only a matter of speed.
    let _ = set_slice(SHORT_SLICE_NANOSECONDS);
}

/// Has the scheduler give this thread, and those it makes from now on, the processor for so long
/// at once; 0 is its own choice. A thread with a shorter slice does not wait for the slice of one
/// with a longer one. Linux has heard of it since 6.12 and before that does nothing.
pub(crate) fn set_slice(nanoseconds: u64) -> io::Result<()> {
    /// The first fields of the kernel's `sched_attr`, its first version.
    #[repr(C)]
    #[derive(Default)]
    struct Attributes {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime: u64,
        deadline: u64,
        period: u64,
    }
    /// `SCHED_FLAG_KEEP_POLICY` would keep the slice too, so the niceness is given again.
    const NORMAL: u32 = 0;
    let attributes = Attributes {
        size: u32::try_from(size_of::<Attributes>()).unwrap_or_default(),
        policy: NORMAL,
        nice: rustix::process::getpriority_process(None)?,
        runtime: nanoseconds,
        ..Attributes::default()
    };
    // SAFETY: the kernel only reads the structure, whose size it is told.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Context switches of all children that were reaped, and of theirs.
pub(crate) fn context_switches_of_children() -> u64 {
    // SAFETY: rusage is plain numbers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: usage is ours to write.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    (usage.ru_nvcsw + usage.ru_nivcsw).cast_unsigned()
}

/// Blocks a signal and gives a descriptor that is readable once it was sent.
pub(crate) fn signal_descriptor(signal: i32) -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is read; the descriptor is new.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Ignores a signal. With `SIGCHLD` the kernel then reaps children by itself.
pub(crate) fn ignore(signal: i32) {
    // SAFETY: ignoring a signal installs no handler.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Gives descriptors the numbers from `first` on, open across exec. What had these numbers is
/// lost to its owner.
pub(super) fn place(fds: Vec<OwnedFd>, first: i32) -> io::Result<()> {
    let count = i32::try_from(fds.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // Out of the way of each other first.
    let aside: Vec<OwnedFd> = fds
        .iter()
        .map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, first + count))
        .collect::<Result<_, _>>()?;
    drop(fds);
    for (number, fd) in (first..).zip(&aside) {
        // SAFETY: the callers know that nobody uses these numbers any more.
        if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Gives every signal its default action and lets all of them through, as a new program expects.
pub(crate) fn reset_signals() {
    // SAFETY: default actions install no handler; the set is initialised before it is read.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Closes every descriptor from `first` on that is not in `keep`.
pub(crate) fn close_all_from(first: i32, keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut kept: Vec<u32> = keep
        .iter()
        .map(|fd| fd.as_raw_fd().cast_unsigned())
        .collect();
    kept.sort_unstable();
    let mut from = first.cast_unsigned();
    for fd in kept {
        if fd > from {
            close_range(from, fd - 1, 0)?;
        }
        from = from.max(fd + 1);
    }
    close_range(from, LAST, 0)
}

/// The owner of a descriptor that this process was handed under an agreed number.
pub(super) fn own(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: whoever hands it over gives it up; a number that is not open is refused.
    unsafe {
        rustix::io::fcntl_getfd(BorrowedFd::borrow_raw(number))?;
        Ok(OwnedFd::from_raw_fd(number))
    }
}

/// Marks every descriptor from `first` on to be closed by exec.
pub(crate) fn close_on_exec_from(first: u32) -> io::Result<()> {
    close_range(first, LAST, libc::CLOSE_RANGE_CLOEXEC)
}

/// The highest number that a descriptor can have; gVisor takes no higher one.
const LAST: u32 = i32::MAX.cast_unsigned();

fn close_range(first: u32, last: u32, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: the callers name descriptors of a process that they own as a whole: no living
    // OwnedFd there is used afterwards.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets mount attributes on a mount and all below it.
pub(crate) fn mount_attributes(mount: impl AsFd, set: u64) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the path is empty and the attributes outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of_val(&attributes),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Brings the loopback device of this network namespace up.
pub(crate) fn bring_loopback_up() -> io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: ifreq is plain data, for which zero is valid; the name is shorter than its field.
    let result = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l'.cast_signed();
        request.ifr_name[1] = b'o'.cast_signed();
        request.ifr_ifru.ifru_flags = libc::IFF_UP as i16;
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Installs a system call filter for this process and all it will start.
pub(crate) fn install_filter(program: &[libc::sock_filter]) -> io::Result<()> {
    let length = program
        .len()
        .try_into()
        .map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the program, which outlives the call, and never writes to it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Becomes another program; returns only with the reason why that failed.
pub(crate) fn execute(program: &CString, args: &[CString], env: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| -> Vec<_> {
        list.iter()
            .map(|text| text.as_ptr())
            .chain([std::ptr::null()])
            .collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both lists end in null and point to strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), args.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

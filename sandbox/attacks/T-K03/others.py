import ctypes
import errno
import os
import resource
import signal

libc = ctypes.CDLL(None, use_errno=True)


def told(name, error):
    print("OPEN" if error is None else "DENIED", name, errno.errorcode.get(error, ""), flush=True)


def attempt(name, work):
    try:
        work()
    except OSError as error:
        told(name, error.errno)
    else:
        told(name, None)


def call(name, *arguments):
    ctypes.set_errno(0)
    failed = getattr(libc, name)(*arguments) < 0
    told(f"{name} {arguments[:2]}", ctypes.get_errno() if failed else None)


me = os.getpid()
if os.getpgrp() == me == os.getsid(0):
    print("alone in its group and session")
others = []
for pid in range(1, 32768):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        continue
    except PermissionError:
        pass
    if pid not in (1, me):
        others.append(pid)
print(f"others: {others}")
for number in (0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
    attempt(f"kill 1 {number}", lambda: os.kill(1, number))
attempt("kill all", lambda: os.kill(-1, 0))
attempt("pidfd_open", lambda: signal.pidfd_send_signal(os.pidfd_open(1), signal.SIGKILL))
attempt("prlimit", lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0)))
attempt("setpriority", lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))
attempt("sched_setaffinity", lambda: os.sched_setaffinity(1, {0}))
call("ptrace", 16, 1, 0, 0)
call("ptrace", 0x4206, 1, 0, 0)
space = ctypes.create_string_buffer(64)


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


ours, theirs = Part(ctypes.addressof(space), 64), Part(id(None), 64)
for name in ("process_vm_readv", "process_vm_writev"):
    call(name, 1, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
for name, flags in (("mem", os.O_RDWR), ("mem", os.O_RDONLY), ("maps", 0), ("environ", 0), ("fd", 0),
                    ("root", 0), ("cwd", 0), ("exe", 0), ("ns/mnt", 0), ("map_files", 0)):
    attempt(f"/proc/1/{name}", lambda: os.open(f"/proc/1/{name}", flags))

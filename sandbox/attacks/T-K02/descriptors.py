import fcntl
import os
import stat

for fd in range(4096):
    try:
        found = os.fstat(fd)
    except OSError:
        continue
    kind = "pipe" if stat.S_ISFIFO(found.st_mode) else os.readlink(f"/proc/self/fd/{fd}")
    print(fd, kind, ("r", "w", "rw")[fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE])

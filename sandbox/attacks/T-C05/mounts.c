#include "probe.h"
#include <sys/mount.h>
static long mounts(char *into, long room) {
    int fd = open("/proc/self/mountinfo", O_RDONLY);
    long length = 0, more;
    while ((more = read(fd, into + length, room - length)) > 0) length += more;
    close(fd);
    return length;
}
int main() {
    static char before[1 << 16], after[1 << 16];
    long length = mounts(before, sizeof before);
    mkdir("m", 0700), mkdir("n", 0700);
    TRY("mount_tmpfs", mount("t", "m", "tmpfs", 0, ""));
    TRY("mount_proc", mount("p", "m", "proc", 0, ""));
    TRY("bind", mount("/usr", "m", 0, MS_BIND, 0));
    TRY("remount", mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0));
    TRY("move", mount("/tmp", "m", 0, MS_MOVE, 0));
    TRY("umount_tmp", umount2("/tmp", MNT_DETACH));
    TRY("umount_proc", umount2("/proc", MNT_DETACH));
    TRY("chroot", chroot("m"));
    CALL(pivot_root, "m", "n");
    CALL(fsopen, "tmpfs", 0);
    CALL(fsmount, 0, 0, 0);
    CALL(open_tree, AT_FDCWD, "/", 1);
    CALL(move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "m", 0);
    CALL(mount_setattr, AT_FDCWD, "/", 0, before, 32);
    long now = mounts(after, sizeof after);
    puts(now == length && !memcmp(before, after, now) ? "mounts unchanged" : "mounts changed");
    return 0;
}

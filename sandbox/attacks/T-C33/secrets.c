#include "probe.h"
int main() {
    const char *paths[] = {
        "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/sched_debug",
        "/proc/config.gz", "/proc/cmdline", "/proc/modules", "/proc/iomem", "/proc/ioports", "/proc/vmallocinfo",
        "/proc/slabinfo", "/proc/partitions", "/proc/diskstats", "/proc/kmsg", "/proc/1/cmdline", "/proc/1/environ",
        "/proc/1/maps", "/proc/1/mountinfo", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/btf/vmlinux",
        "/sys/kernel/notes", "/sys/firmware", "/sys/class/net", "/dev/kmsg", "/dev/mem", "/dev/vda", "/dev/sda",
        "/etc/shadow", "/etc/machine-id", "/root", "/home", "/var/lib", "/var/log"};
    char data[64];
    int seen = 0;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = open(paths[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0) continue;
        struct stat found;
        fstat(fd, &found);
        /* A folder that is empty has two links at the most, and reading it ends at once. */
        ssize_t length = S_ISDIR(found.st_mode) ? syscall(SYS_getdents64, fd, data, 48) : read(fd, data, sizeof data);
        if (S_ISDIR(found.st_mode)) length = length > 48 ? length : 0;
        if (length > 0) printf("OPEN %s\n", paths[i]), seen++;
        close(fd);
    }
    if (!seen) puts("read nothing");
    return 0;
}

#include "probe.h"
int main() {
    const char *spaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    char path[64];
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
        int fd = open(path, O_RDONLY);
        TRY(spaces[i], setns(fd, 0));
        snprintf(path, sizeof path, "/proc/1/ns/%s", spaces[i]);
        if (try_to_open(path, O_RDONLY) >= 0) printf("OPEN %s\n", path);
    }
    int self = syscall(SYS_pidfd_open, getpid(), 0);
    TRY("pidfd", setns(self, 0x7e020000));
    return 0;
}

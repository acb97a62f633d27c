#include "probe.h"
int main() {
    char link[64], target[256];
    for (int fd = 0; fd < 4096; fd++) {
        struct stat found;
        if (fstat(fd, &found)) continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target - 1);
        target[length < 0 ? 0 : strcspn(target, ":")] = 0;
        const char *modes[] = {"r", "w", "rw"};
        printf("%d %s %s\n", fd, S_ISFIFO(found.st_mode) ? "pipe" : target, modes[fcntl(fd, F_GETFL) & O_ACCMODE]);
    }
    return 0;
}

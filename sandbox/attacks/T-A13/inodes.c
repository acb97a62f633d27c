#include "probe.h"
int main() {
    char name[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "f%d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        if (fd < 0) {
            printf("%s, %s than 5000 files\n", strerrorname_np(errno), i < 5000 ? "fewer" : "more");
            return 0;
        }
        close(fd);
    }
    puts("no end");
    return 1;
}

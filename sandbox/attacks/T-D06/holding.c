#include "probe.h"
/* Holds files of the toolchains and of its own open and mapped when it dies, in many processes. */
int main() {
    const char *paths[] = {"/usr/lib/os-release", "/etc/passwd", "own", "/tmp/own", "/dev/shm/own"};
    for (int i = 0; i < 10; i++) if (fork() == 0) {
        for (int p = 0; p < 5; p++) {
            int fd = open(paths[p], p < 2 ? O_RDONLY : O_CREAT | O_RDWR, 0600);
            if (p >= 2 && ftruncate(fd, 4096)) _exit(1);
            mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
        }
        mkdir("in", 0700);
        if (chdir("in")) _exit(1);
        pause();
    }
    pause_ms(50);
    puts("held");
    return 0;
}

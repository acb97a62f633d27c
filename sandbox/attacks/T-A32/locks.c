#include "probe.h"
#include <sys/epoll.h>
int main() {
    int fd = open("locked", O_CREAT | O_RDWR, 0600);
    for (long i = 0; i < 300000; i++) {
        struct flock one = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2 * i, .l_len = 1};
        if (fcntl(fd, F_SETLK, &one)) break;
        /* Each is compared with all before. */
        if (i > 3000) break;
    }
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    union sigval value = {0};
    for (long i = 0; i < 300000 && sigqueue(getpid(), SIGRTMIN, value) == 0; i++) {}
    timer_t timer;
    for (long i = 0; i < 300000 && timer_create(CLOCK_REALTIME, 0, &timer) == 0; i++) {}
    puts("counted");
    return 0;
}

/* The neighbour of an attack: until its input ends it does, again and again, what any program
 * does, and says so. What an attack takes away from it shows as a line that is not a tick. */
#include "probe.h"

static int failed(const char *what, long n) {
    printf("tick %ld failed: %s: %s\n", n, what, strerror(errno));
    return 1;
}

static int tick(long n) {
    static char data[60000];
    pid_t child = fork();
    if (child == 0) _exit(7);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) return failed("fork", n);
    int ends[2];
    if (pipe(ends) || fcntl(ends[1], F_SETFL, O_NONBLOCK)) return failed("pipe", n);
    if (write(ends[1], data, sizeof data) != sizeof data) return failed("a pipe's buffer", n);
    close(ends[0]), close(ends[1]);
    int file = open("tick", O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (file < 0 || write(file, data, 4096) != 4096 || close(file) || unlink("tick")) return failed("a file", n);
    volatile char *memory = have(1 << 20);
    if (!memory) return failed("memory", n);
    free((void *)memory);
    printf("tick %ld\n", n);
    fflush(stdout);
    return 0;
}

int main() {
    long n = 0;
    for (;; n++) {
        if (tick(n)) return 1;
        struct pollfd input = {0, POLLIN, 0};
        char data[256];
        if (poll(&input, 1, 20) > 0 && read(0, data, sizeof data) <= 0) break;
    }
    printf("end %ld\n", n + 1);
    return 0;
}

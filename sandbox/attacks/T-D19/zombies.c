#include "probe.h"
int main() {
    puts(getpid() == 1 ? "process 1" : "not process 1"), fflush(stdout);
    int orphans = 0;
    for (int tries = 0; orphans < 500 && tries < 20000; tries++) {
        pid_t child = fork();
        if (child == 0) { pid_t grandchild = fork(); _exit(grandchild < 0 ? 1 : 0); }
        int status = 1;
        if (child < 0 || (waitpid(child, &status, 0), status)) { pause_ms(2); continue; }
        orphans++;
    }
    printf("%d orphans reaped\n", orphans);
    pause_ms(100);
    int zombies = 0;
    for (; zombies < 200; zombies++) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) break;
    }
    printf("zombies until %s\n", zombies < 200 ? strerrorname_np(errno) : "no end");
    return 0;
}

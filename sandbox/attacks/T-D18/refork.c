#include "probe.h"
static void again(int signal_number) { (void)signal_number; if (fork() == 0) setsid(); }
int main() {
    for (int i = 0; i < 100; i++)
        if (fork() == 0) {
            setsid();
            signal(SIGTERM, again), signal(SIGCHLD, again), signal(SIGHUP, again), signal(SIGINT, again);
            for (;;) pause();
        }
    pause_ms(100);
    puts("leaving");
    return 0;
}

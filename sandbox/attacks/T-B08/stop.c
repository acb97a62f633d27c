#include "probe.h"
int main() {
    puts("stopping"), fflush(stdout);
    for (int i = 0; i < 8; i++) if (fork() == 0) { raise(SIGSTOP); pause(); }
    pause_ms(100);
    kill(0, SIGSTOP);
    raise(SIGSTOP);
    pause();
}

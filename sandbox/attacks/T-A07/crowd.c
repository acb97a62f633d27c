#include "probe.h"
int main() {
    for (int i = 0; i < 16; i++)
        if (fork() == 0) {
            have(4 << 20);
            pause();
        }
    while (wait(0) > 0 || errno == EINTR) puts("fine"), fflush(stdout);
    return 0;
}

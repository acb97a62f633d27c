#include "probe.h"
/* One vfork and one exec of itself after the other, for ever. */
int main(int count, char **args) {
    (void)count;
    for (;;) {
        pid_t child = vfork();
        if (child == 0) { execv(args[0], args); _exit(1); }
    }
}

#include "probe.h"
int main() {
    for (;;) {
        struct timespec from, now;
        clock_gettime(CLOCK_MONOTONIC, &from);
        do clock_gettime(CLOCK_MONOTONIC, &now);
        while ((now.tv_sec - from.tv_sec) * 1000000000LL + now.tv_nsec - from.tv_nsec < 5000000);
        pause_ms(5);
    }
}

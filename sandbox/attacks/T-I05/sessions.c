#include "probe.h"
int main() {
    int opened = 0;
    while (opened < 2000 && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0) opened++;
    printf("opened until %s\n", strerrorname_np(errno)), fflush(stdout);
    for (;;) pause();
}

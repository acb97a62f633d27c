#include "probe.h"
int main() {
    int fresh = mkdir("/box/mine", 0700) == 0 && mkdir("/tmp/mine", 0700) == 0 && mkdir("/dev/shm/mine", 0700) == 0;
    puts(fresh && getpid() < 10 ? "alone" : "company");
    return 0;
}

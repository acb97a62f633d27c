#include "probe.h"
int main() {
    int absent = 0;
    for (long number = 0; number < 548; number++) {
        errno = 0;
        if (syscall(0x40000000 | number, 0, 0, 0, 0, 0, 0) == -1 && errno == ENOSYS) absent++;
        else printf("OPEN x32 %ld\n", number);
    }
    printf("%d of 548 are not there\n", absent);
    return 0;
}

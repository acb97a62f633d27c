#include "probe.h"
int main() {
    static char data[1 << 16];
    long all = 0;
    ssize_t more;
    while ((more = read(0, data, sizeof data)) > 0) all += more;
    printf("%ld\n", all);
    return 0;
}

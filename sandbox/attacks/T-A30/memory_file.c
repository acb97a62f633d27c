#include "probe.h"
int main() {
    static char data[1 << 20];
    memset(data, 1, sizeof data);
    for (int i = 0; i < 64; i++) {
        int fd = memfd_create("hidden", 0);
        for (int part = 0; part < 8; part++) if (write(fd, data, sizeof data) < 0) return 1;
    }
    return 0;
}

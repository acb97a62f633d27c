#include "probe.h"
int main() {
    static char data[1 << 20];
    int fd = open("file", O_CREAT | O_RDWR, 0600);
    for (;;) {
        for (int i = 0; i < 8; i++) if (pwrite(fd, data, sizeof data, (off_t)i << 20) < 0) return 1;
        fsync(fd), fdatasync(fd), sync(), syncfs(fd), sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
}

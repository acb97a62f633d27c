#include "probe.h"
#include <ftw.h>
static int take_in(const char *path, const struct stat *found, int kind, struct FTW *at) {
    (void)at;
    if (kind != FTW_F || found->st_size < 4096) return 0;
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    volatile char *data = mmap(0, found->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data != MAP_FAILED) {
        for (off_t i = 0; i < found->st_size; i += 4096) (void)data[i];
        munmap((void *)data, found->st_size);
    }
    close(fd);
    return 0;
}
int main() {
    for (int i = 0; i < 3; i++) nftw("/usr/lib", take_in, 64, FTW_PHYS);
    return 0;
}

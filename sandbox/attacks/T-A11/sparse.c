#include "probe.h"
#include <linux/fs.h>
int main() {
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("big", O_CREAT | O_RDWR, 0600), other = open("other", O_CREAT | O_RDWR, 0600);
    off_t tera = 1LL << 40;
    if (fallocate(fd, 0, 0, tera)) printf("fallocate %s\n", strerrorname_np(errno));
    if (ftruncate(fd, tera)) printf("ftruncate %s\n", strerrorname_np(errno));
    if (ioctl(other, FICLONE, fd)) printf("FICLONE refused\n");
    loff_t at = 0, to = tera;
    if (write(fd, "x", 1) == 1 && copy_file_range(fd, &at, other, &to, 1, 0) < 0) printf("copy_file_range refused\n");
    return 0;
}

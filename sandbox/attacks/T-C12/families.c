#include "probe.h"
int main() {
    static const struct { int family; const char *name; } named[] = {
        {AF_UNIX, "UNIX"}, {AF_INET, "INET"}, {AF_INET6, "INET6"}, {AF_ALG, "ALG"}, {AF_NETLINK, "NETLINK"},
        {AF_PACKET, "PACKET"}, {AF_KEY, "KEY"}, {AF_RXRPC, "RXRPC"}, {44, "XDP"}, {AF_VSOCK, "VSOCK"}};
    for (int family = 0; family < 46; family++) {
        char name[32];
        snprintf(name, sizeof name, "%d", family);
        for (int i = 0; i < 10; i++) if (named[i].family == family) strcpy(name, named[i].name);
        int opened = -1, types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
        for (int i = 0; i < 4 && opened < 0; i++) opened = socket(family, types[i], 0);
        told(name, opened);
        if (opened >= 0) close(opened);
    }
    return 0;
}

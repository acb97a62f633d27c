#include "probe.h"
#include <arpa/inet.h>
#include <netinet/in.h>
int main() {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0runlog-attack-meeting"};
    int local = socket(AF_UNIX, SOCK_DGRAM, 0);
    printf("abstract name %s\n", bind(local, (void *)&name, offsetof(struct sockaddr_un, sun_path) + 22) ? "taken" : "free");
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(45454), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    printf("port %s\n", bind(tcp, (void *)&port, sizeof port) || listen(tcp, 4) ? "taken" : "free");
    int udp = socket(AF_INET, SOCK_DGRAM, 0), reuse = 1;
    setsockopt(udp, SOL_SOCKET, SO_REUSEPORT, &reuse, sizeof reuse);
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(45455), .sin_addr.s_addr = inet_addr("239.1.2.3")};
    bind(udp, (void *)&group, sizeof group);
    sendto(udp, "hello", 5, 0, (void *)&group, sizeof group);
    pause_ms(200);
    char data[16];
    printf("multicast %s\n", recv(udp, data, sizeof data, MSG_DONTWAIT) > 0 ? "heard" : "alone");
    fflush(stdout);
    TRY("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    TRY("crypto", socket(AF_ALG, SOCK_SEQPACKET, 0));
    return 0;
}

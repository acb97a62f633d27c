#include "probe.h"
int main() {
    TRY("stream", socket(AF_VSOCK, SOCK_STREAM, 0));
    TRY("datagram", socket(AF_VSOCK, SOCK_DGRAM, 0));
    TRY("high_bits", syscall(SYS_socket, AF_VSOCK | 1L << 32, SOCK_STREAM, 0));
    return 0;
}

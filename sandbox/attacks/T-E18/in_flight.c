#include "probe.h"
static void pass(int socket, int fd) {
    char data = 'x', space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&data, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    sendmsg(socket, &message, 0);
}
int main() {
    int ends[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    pass(ends[0], 1), pass(ends[0], ends[1]), pass(ends[1], ends[0]), pass(ends[1], 2);
    if (write(1, "out\n", 4) != 4) return 1;
    _exit(0);
}

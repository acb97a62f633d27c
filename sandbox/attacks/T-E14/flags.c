#include "probe.h"
int main() {
    static char data[5000];
    for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT), fcntl(fd, F_SETPIPE_SZ, 4096);
    for (long left = 500000; left > 0;) {
        ssize_t more = write(1, data, left < 5000 ? left : 5000);
        if (more > 0) left -= more;
        else if (errno == EAGAIN) pause_ms(1);
        else return 1;
    }
    return 0;
}

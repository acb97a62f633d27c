#include "probe.h"
int main() {
    int other = 16;
    TRY("type", ioctl(0, TIOCSTI, "x"));
    TRY("type_high_bits", syscall(SYS_ioctl, 0, TIOCSTI | 1L << 32, "x"));
    TRY("console", ioctl(0, TIOCLINUX, "\2"));
    TRY("discipline", ioctl(0, TIOCSETD, &other));
    TRY("discipline_high_bits", syscall(SYS_ioctl, 0, TIOCSETD | 3L << 33, &other));
    TRY("take_console", ioctl(0, TIOCCONS, 0));
    return 0;
}

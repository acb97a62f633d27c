#include "probe.h"
int main() {
    char params[256] = {0};
    CALL(io_uring_setup, 8, params);
    CALL(io_uring_enter, 0, 0, 0, 0, 0, 0);
    CALL(io_uring_register, 0, 0, 0, 0);
    return 0;
}

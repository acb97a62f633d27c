#include "probe.h"
int main() {
    if (fork() == 0) {
        have(200 << 20);
        _exit(0);
    }
    int status;
    wait(&status);
    puts("fine");
    return 0;
}

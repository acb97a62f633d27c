#include "probe.h"
int main() {
    for (int i = 0; i < 1000000; i++)
        if (mkdir("d", 0700) || chdir("d")) {
            puts(strerrorname_np(errno));
            return 0;
        }
    puts("no end");
    return 1;
}

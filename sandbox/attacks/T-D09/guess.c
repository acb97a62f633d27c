#include "probe.h"
#include <dirent.h>
int main() {
    int signalled = 0, refused = 0, listed = 0;
    for (int pid = 1; pid <= 32768; pid++) {
        if (pid == getpid()) continue;
        if (kill(pid, 0) == 0) signalled++;
        else if (errno == EPERM) refused++;
    }
    DIR *all = opendir("/proc");
    struct dirent *entry;
    while ((entry = readdir(all))) if (atoi(entry->d_name) > 0) listed++;
    printf("signalled %d, refused %d\nlisted %d\n", signalled, refused, listed);
    return 0;
}

#include "probe.h"
int main() {
    TRY("own program", try_to_open("/proc/self/exe", O_WRONLY));
    TRY("own memory", try_to_open("/proc/self/mem", O_RDWR));
    const char *paths[] = {"/proc/1/exe", "/proc/1/mem", "/proc/1/fd/0", "/proc/1/fd/3", "/proc/1/root/etc/passwd", "/proc/1/cwd/x", "/proc/1/map_files"};
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) TRY(paths[i], try_to_open(paths[i], O_RDONLY));
    return 0;
}

#include "probe.h"
/* Writes back what is there, so that even an open door changes nothing. */
static long write_back(const char *path) {
    char data[4096];
    int in = open(path, O_RDONLY);
    ssize_t length = in < 0 ? 0 : read(in, data, sizeof data);
    int out = open(path, O_WRONLY);
    return out < 0 ? -1 : write(out, data, length < 0 ? 0 : length);
}
int main() {
    const char *paths[] = {
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
        "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/binfmt_misc/register", "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/kernel/ns_last_pid", "/proc/sys/user/max_user_namespaces", "/proc/self/oom_score_adj",
        "/sys/kernel/uevent_helper", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/devices/devices.allow",
        "/sys/fs/cgroup/release_agent"};
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) TRY(paths[i], write_back(paths[i]));
    TRY("/proc/sysrq-trigger", try_to_open("/proc/sysrq-trigger", O_WRONLY));
    TRY("/proc/self/setgroups", try_to_open("/proc/self/setgroups", O_WRONLY));
    return 0;
}

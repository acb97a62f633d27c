#include "probe.h"
#include <sys/ptrace.h>
int main() {
    char data[256] = {0};
    CALL(bpf, 5, data, sizeof data);
    CALL(bpf, 0, data, sizeof data);
    CALL(perf_event_open, data, 0, -1, -1, 0);
    CALL(userfaultfd, 1);
    TRY("/dev/userfaultfd", try_to_open("/dev/userfaultfd", O_RDWR));
    TRY("/dev/kvm", try_to_open("/dev/kvm", O_RDWR));
    TRY("/dev/fuse", try_to_open("/dev/fuse", O_RDWR));
    CALL(ptrace, PTRACE_TRACEME, 0, 0, 0);
    CALL(process_vm_readv, getpid(), 0, 0, 0, 0, 0);
    CALL(kcmp, getpid(), getpid(), 0, 0, 0);
    CALL(keyctl, 0, -3, 1);
    CALL(add_key, "user", "runlog", "x", 1, -3);
    return 0;
}

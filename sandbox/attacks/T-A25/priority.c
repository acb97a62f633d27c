#include "probe.h"
#include <linux/ioprio.h>
#include <sys/resource.h>
int main() {
    struct sched_param first = {.sched_priority = 1};
    TRY("setpriority", setpriority(PRIO_PROCESS, 0, -20));
    TRY("nice", nice(-1) == -1 ? -1 : 0);
    TRY("fifo", sched_setscheduler(0, SCHED_FIFO, &first));
    TRY("rr", sched_setscheduler(0, SCHED_RR, &first));
    CALL(ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0));
    struct { unsigned size, policy; unsigned long long flags; int nice; unsigned priority; unsigned long long runtime, deadline, period; }
        deadline = {sizeof deadline, 6, 0, 0, 0, 1000000, 10000000, 10000000};
    CALL(sched_setattr, 0, &deadline, 0);
    return 0;
}

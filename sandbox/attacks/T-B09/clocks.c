#include "probe.h"
#include <sys/time.h>
#include <sys/timex.h>
int main() {
    struct timespec past = {1, 0};
    struct timeval old = {1, 0};
    struct timex change = {.modes = ADJ_OFFSET, .offset = 500};
    TRY("clock_settime", clock_settime(CLOCK_REALTIME, &past));
    TRY("settimeofday", settimeofday(&old, 0));
    TRY("adjtimex", adjtimex(&change));
    TRY("clock_adjtime", clock_adjtime(CLOCK_REALTIME, &change));
    TRY("unshare_time", unshare(0x80));
    TRY("timerfd_alarm", syscall(SYS_timerfd_create, CLOCK_REALTIME_ALARM, 0));
    return 0;
}

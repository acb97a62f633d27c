#include "probe.h"
#include <sys/personality.h>
#include <sys/prctl.h>
#include <asm/prctl.h>
int main() {
    unsigned long fs;
    TRY("weak_personality", personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC));
    TRY("read_implies_exec", personality(READ_IMPLIES_EXEC));
    TRY("per_linux32", personality(PER_LINUX32));
    CALL(modify_ldt, 0, 0, 0);
    CALL(iopl, 3);
    CALL(ioperm, 0, 8, 1);
    /* Reads its own register; harmless, and every libc sets it. */
    TRY("arch_prctl_own_fs", syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
    TRY("keep_capabilities", prctl(PR_CAPBSET_DROP, 0, 0, 0, 0));
    return 0;
}

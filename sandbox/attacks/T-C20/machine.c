#include "probe.h"
#include <sys/utsname.h>
int main() {
    /* The wrong magic number, so that even an open door would not reboot the machine. */
    CALL(reboot, 0, 0, 0, 0);
    CALL(kexec_load, 0, 0, 0, 0);
    CALL(kexec_file_load, -1, -1, 0, 0, 0);
    CALL(swapon, "/box/none", 0);
    CALL(swapoff, "/box/none");
    CALL(acct, "/box/none");
    CALL(quotactl, 0, 0, 0, 0);
    CALL(sethostname, "attack", 6);
    CALL(setdomainname, "attack", 6);
    CALL(syslog, 3, 0, 0);
    CALL(init_module, 0, 0, "");
    CALL(finit_module, -1, "", 0);
    CALL(delete_module, "runlog_none", 0);
    CALL(lookup_dcookie, 0L, 0, 0);
    CALL(nfsservctl, 0, 0, 0);
    CALL(vhangup);
    struct utsname self;
    uname(&self);
    printf("host name %s\n", self.nodename);
    return 0;
}

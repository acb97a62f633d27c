/* Stands in the canary tree as a setuid-root program: whose rights does it have? */
#include "probe.h"
int main() {
    printf("%d %d\n", geteuid() == getuid(), geteuid() == 0);
    return 0;
}

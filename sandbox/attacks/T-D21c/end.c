#include "probe.h"
int main() { puts("Killed"), fflush(stdout), raise(SIGKILL); }

#include "probe.h"
int main() { puts("resting"); fflush(stdout); for (;;) pause(); }

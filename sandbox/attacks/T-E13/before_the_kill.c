#include "probe.h"
int main() { if (write(1, "written before the kill", 23) != 23) return 1; for (;;) pause(); }

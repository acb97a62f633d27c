#include "probe.h"
int main() { pause_ms(54 + getpid() % 3 + (time(0) & 7)); return 0; }

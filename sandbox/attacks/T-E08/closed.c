#include "probe.h"
int main() { close(0), close(1), close(2); pause_ms(300); return 3; }

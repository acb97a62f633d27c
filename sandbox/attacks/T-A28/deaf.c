#include "probe.h"
int main() { pause_ms(300); puts("deaf"); return 0; }

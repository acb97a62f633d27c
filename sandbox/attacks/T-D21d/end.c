#include "probe.h"
int main() { raise(SIGRTMIN + 3); pause(); }

#include "probe.h"
int main() { return 137; }

#include "probe.h"
static void on(int s) { (void)s; write(1, "handled\n", 8); }
int main() { signal(SIGABRT, on); abort(); }

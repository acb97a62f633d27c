#include <stdio.h>
int main() { for (;;) puts("a line on a terminal"); }

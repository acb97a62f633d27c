#include <stdio.h>
int main() { for (;;) fputs("a complaint\n", stderr); }

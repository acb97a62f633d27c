#include <stdio.h>
int main() { puts("the real tools"); return 0; }

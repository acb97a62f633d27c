#include <stdio.h>
__asm__(".section .rodata\n.global from\nfrom: .incbin \"/etc/passwd\"\n.byte 0\n.text");
extern const char from[];
int main() { fputs(from, stdout); return 0; }

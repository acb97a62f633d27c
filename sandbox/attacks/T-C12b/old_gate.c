#include "probe.h"
/* socketcall(SYS_SOCKET, {AF_VSOCK, SOCK_STREAM, 0}) with 32-bit numbers and pointers. */
int main() {
    unsigned *args = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    args[0] = AF_VSOCK, args[1] = SOCK_STREAM, args[2] = 0;
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(102), "b"(1), "c"((unsigned)(uintptr_t)args) : "memory");
    printf("OPEN old gate %d\n", result);
    return 0;
}

#include "probe.h"
#include <pthread.h>
static void *spin(void *x) { for (;;) __asm__ volatile(""); return x; }
int main() {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    for (int i = 0; i < 63; i++) { pthread_t thread; pthread_create(&thread, &small, spin, 0); }
    spin(0);
}

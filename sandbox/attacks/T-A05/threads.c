#include "probe.h"
#include <pthread.h>
static void *rest(void *x) { pause(); return x; }
int main() {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    int made = 0, error = 0;
    for (; made < 400; made++) {
        pthread_t thread;
        if ((error = pthread_create(&thread, &small, rest, 0))) break;
    }
    printf("%d threads, then %s\n", made, strerrorname_np(error));
    fflush(stdout);
    _exit(0);
}

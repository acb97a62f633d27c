#include <alloca.h>
int main(int count, char **args) {
    (void)args;
    volatile char *much = alloca((1UL << 30) + count);
    much[0] = 1;
    return much[0];
}

/* Linked to an attack that a runtime loads: its main runs at once, in the runtime's process, which ends
   as a program of its own would. */
#include <stdio.h>
#include <unistd.h>

int main(int, char **, char **);

__attribute__((constructor)) static void go(int count, char **words, char **environment) {
    char *own[] = {"./attack", NULL};
    int code = main(1, own, environment);
    fflush(NULL);
    _exit(code);
}

/* What the probes share: each thing tried is one line, DENIED with the error's name or OPEN. */
#ifndef PROBE_H
#define PROBE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((unused)) static void told(const char *name, long result) {
    int error = errno;
    if (result < 0) printf("DENIED %s %s\n", name, strerrorname_np(error) ?: "?");
    else printf("OPEN %s\n", name);
    fflush(stdout);
}

/* Tries a call and tells how that went; a failure is anything below zero. */
#define TRY(name, call) do { errno = 0; told(name, (long)(call)); } while (0)

/* A system call by number, with up to six arguments. */
#define CALL(name, ...) TRY(#name, syscall(SYS_##name, ##__VA_ARGS__))

__attribute__((unused)) static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

__attribute__((unused)) static void pause_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, 0);
}

/* Memory that is really there: every page of it is written. */
__attribute__((unused)) static volatile char *have(size_t bytes) {
    volatile char *memory = malloc(bytes);
    for (size_t at = 0; memory && at < bytes; at += 4096) memory[at] = 1;
    return memory;
}

__attribute__((unused)) static int try_to_open(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) close(fd);
    return fd;
}
#endif

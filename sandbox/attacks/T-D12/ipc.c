#include "probe.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#define KEY 0x52554e4c
static void found(const char *what, long result) {
    printf("%s %s\n", what, result >= 0 ? "new" : strerrorname_np(errno));
}
int main() {
    found("shm", shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0666));
    found("sem", semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0666));
    found("msg", msgget(KEY, IPC_CREAT | IPC_EXCL | 0666));
    found("posix shm", open("/dev/shm/runlog-attack", O_CREAT | O_EXCL | O_RDWR, 0666));
    mqd_t queue = mq_open("/runlog-attack", O_CREAT | O_EXCL | O_RDWR, 0666, 0);
    printf("posix queue %s\n", queue == (mqd_t)-1 && errno == EEXIST ? "there" : "new or refused");
    return 0;
}

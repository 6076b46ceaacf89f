/* Notes when a thread in sigwaitinfo(2) has a signal: sigwaitinfo PIDFILE RECORD.
 *
 * RECORD gets the nanoseconds of the monotonic clock and the number of signals, eight bytes each. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int record;
static sigset_t handled;

static void note(void)
{
    static uint64_t count;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t now = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    count++;
    /* The number comes last: a reader that finds it finds the time, too. */
    if (pwrite(record, &now, 8, 0) != 8 || pwrite(record, &count, 8, 8) != 8)
        _exit(1);
}

static void *receive(void *unused)
{
    for (;;)
        if (sigwaitinfo(&handled, NULL) == SIGUSR1)
            note();
    return unused;
}

int main(int count, char **arguments)
{
    pthread_t receiver;
    if (count != 3 || (record = open(arguments[2], O_WRONLY)) < 0)
        return 2;
    sigemptyset(&handled);
    sigaddset(&handled, SIGUSR1);
    sigprocmask(SIG_BLOCK, &handled, NULL);
    if (pthread_create(&receiver, NULL, receive, NULL))
        return 1;
    FILE *pidfile = fopen(arguments[1], "w");
    if (!pidfile || fprintf(pidfile, "%d\n", (int)getpid()) < 0 || fclose(pidfile))
        return 1;
    for (;;)
        pause();
}

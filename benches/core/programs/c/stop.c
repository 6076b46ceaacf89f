/* Stops the process that a pidfile names. Arguments: a verb, PIDFILE.
   Verbs: stop: by a pidfd; time: the same, and prints the milliseconds from the known pid on; poll: kill, and kill 0 every
   10 ms, timed too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int stop(pid_t pid)
{
    int pidfd = syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = { pidfd, POLLIN, 0 };

    return pidfd >= 0 && !syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) && poll(&end, 1, 10000) == 1;
}

static int stop_by_polling(pid_t pid)
{
    if (kill(pid, SIGTERM))
        return 0;
    while (kill(pid, 0) == 0)
        usleep(10000);
    return 1;
}

int main(int count, char **arguments)
{
    struct timespec begin, end;
    char text[64];
    int fd, length, stopped;

    if (count != 3 || (fd = open(arguments[2], O_RDONLY | O_CLOEXEC)) < 0)
        return 2;
    if ((length = read(fd, text, sizeof text - 1)) <= 0)
        return 2;
    text[length] = 0;
    pid_t pid = atoi(text);
    if (!strcmp(arguments[1], "stop"))
        return stop(pid) ? 0 : 1;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    stopped = strcmp(arguments[1], "poll") ? stop(pid) : stop_by_polling(pid);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n", (end.tv_sec - begin.tv_sec) * 1e3 + (end.tv_nsec - begin.tv_nsec) / 1e6);
    return stopped ? 0 : 1;
}

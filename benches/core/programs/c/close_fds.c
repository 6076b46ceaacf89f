/* Closes all file descriptors from 3 on: close_fds METHOD OPEN TIMES, where METHOD is close_range, proc or naive.
 *
 * Each line is the microseconds of one closing of OPEN descriptors. The naive loop goes to 1,048,576, the limit of many
 * containers, even where the limit is lower: closing a number that is not open costs the same. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HIGHEST_LIMIT = 1048576 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int by_range(void)
{
    return (int)syscall(SYS_close_range, 3, ~0U, 0);
}

static int by_proc(void)
{
    DIR *open = opendir("/proc/self/fd");
    if (!open)
        return -1;
    for (struct dirent *entry; (entry = readdir(open));) {
        int number = atoi(entry->d_name);
        if (number > 2 && number != dirfd(open))
            close(number);
    }
    return closedir(open);
}

static int by_number(void)
{
    for (int number = 3; number < HIGHEST_LIMIT; number++)
        close(number);
    return 0;
}

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    int (*close_all)(void) = !strcmp(arguments[1], "close_range") ? by_range
        : !strcmp(arguments[1], "proc") ? by_proc : by_number;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int times = atoi(arguments[3]); times > 0; times--) {
        for (int opened = 0; opened < atoi(arguments[2]); opened++)
            if (open("/dev/null", O_RDONLY) < 0)
                return 1;
        double begin = now();
        if (close_all())
            return 1;
        printf("%.3f\n", now() - begin);
    }
}

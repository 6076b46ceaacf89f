/* What every supervisor of the bench looks after: `bot STARTS NAME` says in the file STARTS that it lives (pid,
 * nanoseconds of CLOCK_MONOTONIC, name; one record of 40 bytes, in one write) and sleeps.
 * `bot STARTS NAME EVENTS` first writes that many lines `reply` to the descriptor that DAEMON_EVENTS names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *starts, const char *name) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char record[48];
    int length = snprintf(record, sizeof record, "%8d %18lld %11s\n", getpid(),
                          now.tv_sec * 1000000000LL + now.tv_nsec, name);
    int file = open(starts, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0 || length != 40 || write(file, record, length) != length)
        _exit(111);
    close(file);
}

static void count(int pipe, long long events) {
    static char lines[6 * 8192];
    for (size_t i = 0; i < sizeof lines; i += 6)
        memcpy(lines + i, "reply\n", 6);
    long long left = events * 6;
    while (left > 0) {
        size_t length = left < (long long)sizeof lines ? (size_t)left : sizeof lines;
        ssize_t written = write(pipe, lines, length);
        if (written <= 0)
            _exit(112);
        left -= written;
        /* A pipe takes what fits: the next write goes on where this one ended. */
        while (left > 0 && left % 6) {
            written = write(pipe, lines + 6 - left % 6, left % 6);
            if (written <= 0)
                _exit(112);
            left -= written;
        }
    }
}

int main(int arguments, char **argument) {
    if (arguments < 3)
        return 110;
    say(argument[1], argument[2]);
    if (arguments > 3) {
        const char *pipe = getenv("DAEMON_EVENTS");
        if (!pipe)
            return 113;
        count(atoi(pipe), atoll(argument[3]));
        say(argument[1], "done");
    }
    for (;;)
        pause();
}

/* The least that a start can cost: double fork, setsid, pidfile, readiness pipe. Arguments: PIDFILE. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void become_daemon(const char *pidfile, int ready)
{
    char text[16];
    int null, file, length;

    if (chdir("/"))
        _exit(1);
    umask(022);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) != fd)
            _exit(1);
    close(null);
    file = open(pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (write(file, text, length) != length || close(file) || write(ready, "", 1) != 1)
        _exit(1);
    close(ready);
    for (;;)
        pause();
}

int main(int count, char **arguments)
{
    int ready[2], status;
    char byte;
    pid_t leader;

    if (count < 2 || pipe2(ready, O_CLOEXEC) || (leader = fork()) < 0)
        return 2;
    if (leader == 0) {
        setsid();
        if (fork())
            _exit(0);
        become_daemon(arguments[1], ready[1]);
    }
    close(ready[1]);
    waitpid(leader, &status, 0);
    _exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
}

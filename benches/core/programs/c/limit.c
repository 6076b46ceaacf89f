/* The least that a start can cost: double fork, setsid, pidfile, readiness pipe.
   Arguments: PIDFILE [MIB], where MIB of memory are touched before, and the milliseconds of the start alone are printed.
   With -DCHANGE_USER the daemon becomes the user `nobody`, with all groups of that user. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uid_t user;
static gid_t group;
static gid_t groups[64];
static int group_count = sizeof groups / sizeof *groups;

/* Looks up the user, where a mistake can still be seen. */
static void look_up_user(void)
{
#ifdef CHANGE_USER
    struct passwd *entry = getpwnam("nobody");

    if (!entry || getgrouplist("nobody", entry->pw_gid, groups, &group_count) < 0)
        _exit(1);
    user = entry->pw_uid;
    group = entry->pw_gid;
#endif
}

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
    if (write(file, text, length) != length || close(file))
        _exit(1);
    if (user && (setgroups(group_count, groups) || setgid(group) || setuid(user)))
        _exit(1);
    if (write(ready, "", 1) != 1)
        _exit(1);
    close(ready);
    for (;;)
        pause();
}

/* Returns when the daemon is ready: 1, or 0 when it failed. */
static int start(const char *pidfile)
{
    int ready[2], status;
    char byte;
    pid_t leader;

    look_up_user();
    if (pipe2(ready, O_CLOEXEC) || (leader = fork()) < 0)
        return 0;
    if (leader == 0) {
        setsid();
        if (fork())
            _exit(0);
        become_daemon(pidfile, ready[1]);
    }
    close(ready[1]);
    waitpid(leader, &status, 0);
    return read(ready[0], &byte, 1) == 1;
}

int main(int count, char **arguments)
{
    struct timespec begin, end;

    if (count < 2)
        return 2;
    if (count == 2)
        _exit(start(arguments[1]) ? 0 : 1);
    size_t size = strtoul(arguments[2], NULL, 10) << 20;
    char *memory = malloc(size + 1);
    if (!memory)
        return 2;
    memset(memory, 1, size + 1);
    /* Otherwise the compiler may leave out what is never read. */
    __asm__ volatile("" : : "r"(memory) : "memory");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (!start(arguments[1]))
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n", (end.tv_sec - begin.tv_sec) * 1e3 + (end.tv_nsec - begin.tv_nsec) / 1e6);
    return 0;
}

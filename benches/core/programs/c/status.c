/* The least that a status can cost: opens and reads a pidfile and the /proc/PID/stat of its process. Argument: PIDFILE. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int read_file(const char *path, char *text, int size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int length = fd < 0 ? -1 : read(fd, text, size - 1);

    if (length <= 0)
        return 0;
    text[length] = 0;
    close(fd);
    return 1;
}

int main(int count, char **arguments)
{
    char text[1024], path[32];

    if (count != 2 || !read_file(arguments[1], text, sizeof text))
        return 2;
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(text));
    return read_file(path, text, sizeof text) ? 0 : 1;
}

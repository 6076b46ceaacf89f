/* The program under start-stop-daemon: sends READY=1 where a socket is given, and sleeps. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void)
{
    const char *path = getenv("NOTIFY_SOCKET");

    if (path && strlen(path) < sizeof((struct sockaddr_un){ 0 }).sun_path) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t length = strlen(path);

        memcpy(address.sun_path, path, length);
        if (path[0] == '@')
            address.sun_path[0] = 0;
        if (sendto(fd, "READY=1", 7, 0, (void *)&address, offsetof(struct sockaddr_un, sun_path) + length) != 7)
            return 1;
        close(fd);
    }
    for (;;)
        pause();
}

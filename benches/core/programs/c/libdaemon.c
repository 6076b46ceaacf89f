/* A daemon by libdaemon, with the steps of its own example. Argument: PIDFILE. */
#include <libdaemon/daemon.h>
#include <unistd.h>

static const char *pidfile;

static const char *path(void)
{
    return pidfile;
}

int main(int count, char **arguments)
{
    pid_t pid;

    if (count < 2 || daemon_reset_sigs(-1) < 0 || daemon_unblock_sigs(-1) < 0)
        return 2;
    pidfile = arguments[1];
    daemon_pid_file_ident = daemon_log_ident = "bench";
    daemon_pid_file_proc = path;
    if (daemon_retval_init() < 0 || (pid = daemon_fork()) < 0)
        return 2;
    if (pid)
        return daemon_retval_wait(20);
    if (daemon_close_all(-1) < 0 || daemon_pid_file_create() < 0) {
        daemon_retval_send(1);
        return 1;
    }
    daemon_retval_send(0);
    for (;;)
        pause();
}

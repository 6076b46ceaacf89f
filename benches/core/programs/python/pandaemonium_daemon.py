"""A daemon by `pandaemonium`. Argument: the pidfile."""

import signal
import sys

from pandaemonium import Daemon


def work():
    while True:
        signal.pause()


Daemon(target=work, pid_file=sys.argv[1]).start()

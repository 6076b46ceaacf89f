"""A daemon by `daemons`. Arguments: start or stop, the pidfile."""

import signal
import sys

from daemons.prefab import run


class Sleeper(run.RunDaemon):
    def run(self):
        while True:
            signal.pause()


verb, pidfile = sys.argv[1:]
getattr(Sleeper(pidfile=pidfile), verb)()

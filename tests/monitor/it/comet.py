"""Never the same process for longer than it takes to fork: `comet.py [LINES]`. Deaf to every signal that it may be deaf to."""

import gc
import os
import signal
import sys

gc.freeze()
for number in set(range(1, 64)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
    signal.signal(number, signal.SIG_IGN)
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        while True:
            os.setsid()
            if os.fork():
                os._exit(0)
open("up", "a").write("up\n")

"""Notes when a signal's handler runs: receive.py PIDFILE RECORD.

RECORD gets the nanoseconds of the monotonic clock and the number of signals, eight bytes each.
"""
import os
import signal
import sys
import time

record = os.open(sys.argv[2], os.O_WRONLY)
count = 0


def note(*_):
    global count
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    count += 1
    # The number comes last: a reader that finds it finds the time, too.
    os.pwrite(record, now.to_bytes(8, sys.byteorder), 0)
    os.pwrite(record, count.to_bytes(8, sys.byteorder), 8)


signal.signal(signal.SIGUSR1, note)
with open(sys.argv[1], "w") as pidfile:
    print(os.getpid(), file=pidfile)
while True:
    signal.pause()
